"""Constant load, on connections that are kept for a while; no request is repeated unless told.

`begin FOLDER` reads the plan from stdin, and returns while the load goes on; `end FOLDER` ends it and prints what was
answered. It would be no constant load if it hung on a `kubectl exec`, whose connection anything on its way may cut.

The plan is JSON: `requests`, a list of {url, method, headers, body, expected, insists}, taken in turns by
each of `clients` threads, and `pause`, seconds between two requests of a thread. `%n` in a header or body is a number that
nobody else has. One that `insists` is sent again, with the same number, until it is answered as expected; `failures`
counts each attempt. What a POST made (its answer's `id`) is kept in `made`.
"""

import http.client
import json
import os
import sys
import threading
import time
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Requests on one connection: on one that is kept for ever, nobody would see which pods new ones are sent to.
KEPT = 10
# Seconds; whoever began it may be gone.
LONGEST = 900


class Client(threading.Thread):
    def __init__(self, plan: dict[str, Any], over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.plan, self.over = plan, over
        self.numbers = count(int.from_bytes(os.urandom(4)) * 100_000_000)
        self.statuses: Counter[int] = Counter()
        self.failures: list[Any] = []
        self.made: list[Any] = []
        self.slowest = 0.0
        self.kept: dict[str, Any] = {}

    def run(self) -> None:
        while not self.over.is_set():
            for asked in self.plan["requests"]:
                number = str(next(self.numbers))
                while not self.ask(asked, number) and asked.get("insists") and not self.over.wait(0.05):
                    pass
                if self.over.wait(self.plan.get("pause", 0.02)):
                    break

    def ask(self, asked: dict[str, Any], number: str) -> bool:
        """Whether it was answered as expected."""
        address = urlsplit(asked["url"])
        connection = self.kept.get(address.netloc) or http.client.HTTPConnection(address.netloc, timeout=30)
        self.kept[address.netloc] = connection
        headers = {name: text.replace("%n", number) for name, text in asked.get("headers", {}).items()}
        body = asked["body"].replace("%n", number) if asked.get("body") else None
        path = f"{address.path}?{address.query}" if address.query else address.path
        began = time.monotonic()
        try:
            connection.request(asked.get("method", "GET"), path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.failed(asked, f"{type(error).__name__}: {error}")
            connection.close()
            return False
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.statuses[answer.status] += 1
        if int(number) % KEPT == 0:
            connection.close()
        if answer.status not in asked.get("expected", [200]):
            self.failed(asked, f"{answer.status} {content[:300].decode(errors='replace')}")
            return False
        if asked.get("method") == "POST":
            self.made.append(json.loads(content)["id"])
        return True

    def failed(self, asked: dict[str, Any], how: str) -> None:
        self.failures.append(
            {"at": round(time.time(), 3), "asked": f"{asked.get('method', 'GET')} {asked['url']}", "how": how}
        )


def load(plan: dict[str, Any], folder: Path) -> None:
    over = threading.Event()
    clients = [Client(plan, over) for _ in range(plan.get("clients", 4))]
    for each in clients:
        each.start()
    until = time.monotonic() + LONGEST
    while not (folder / "over").exists() and time.monotonic() < until:
        time.sleep(0.1)
    over.set()
    for each in clients:
        each.join(60)
    (folder / "part").write_text(json.dumps(told(clients)))
    (folder / "part").rename(folder / "told")


def told(clients: list[Client]) -> dict[str, Any]:
    statuses: Counter[int] = sum((each.statuses for each in clients), Counter())
    failures = [failure for each in clients for failure in each.failures]
    return {
        "requests": sum(statuses.values()) + sum(1 for each in failures if not each["how"][:3].isdigit()),
        "statuses": statuses,
        "failures": len(failures),
        "examples": sorted(failures, key=lambda each: each["at"])[:20],
        "slowest": round(max(each.slowest for each in clients), 3),
        "made": [made for each in clients for made in each.made],
    }


def begin(folder: Path) -> None:
    plan = json.load(sys.stdin)
    folder.mkdir()
    if os.fork():
        return
    os.setsid()
    # Whoever began it waits for the end of what it prints to.
    nothing, errors = os.open(os.devnull, os.O_RDWR), os.open(folder / "errors", os.O_WRONLY | os.O_CREAT)
    for kept, number in ((nothing, 0), (nothing, 1), (errors, 2)):
        os.dup2(kept, number)
    load(plan, folder)


def end(folder: Path) -> None:
    (folder / "over").touch()
    until = time.monotonic() + 90
    while not (folder / "told").exists():
        if time.monotonic() > until:
            sys.exit(f"the load does not end: {(folder / 'errors').read_text()}")
        time.sleep(0.1)
    sys.stdout.write((folder / "told").read_text())


if __name__ == "__main__":
    {"begin": begin, "end": end}[sys.argv[1]](Path(sys.argv[2]))
