"""Tries to connect from its first instruction on, and notes who lets it, who comes to it, and when.

Arguments: seconds, the port that it listens on (0 is none), and `host port` of each it tries. Prints JSON: `began`, for
each target how many `tries` had which outcome, when the first one was made, and when the first and the last one were
let in (milliseconds of its life), and `visitors` by address. Python's own library alone.
"""

import time

BEGAN = time.time()

import errno  # noqa: E402
import json  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from collections import Counter  # noqa: E402
from typing import Any  # noqa: E402

# A try that a policy drops ends after this, and the next one follows at once.
PATIENCE = 0.4


def age() -> int:
    """Milliseconds of its life."""
    return round((time.time() - BEGAN) * 1000)


def outcome(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        return "refused" if error.errno == errno.ECONNREFUSED else "silent"
    return "connected"


def keep_trying(host: str, port: int, until: float, noted: dict[str, Any]) -> None:
    tries: Counter[str] = Counter()
    noted.update({"tries": tries, "first": age(), "let_in": []})
    while time.time() < until:
        began = age()
        how = outcome(host, port)
        tries[how] += 1
        if how != "silent":
            noted["let_in"] = [*noted["let_in"][:1], began]
            time.sleep(0.1)


def welcome(server: socket.socket, visitors: dict[str, int]) -> None:
    while True:
        connection, (address, *_) = server.accept()
        connection.close()
        visitors.setdefault(address, age())


def main() -> None:
    seconds, listens, *words = sys.argv[1:]
    visitors: dict[str, int] = {}
    if int(listens):
        server = socket.create_server(("", int(listens)))
        threading.Thread(target=welcome, args=(server, visitors), daemon=True).start()
    targets = list(zip(words[::2], map(int, words[1::2]), strict=True))
    told: dict[str, dict[str, Any]] = {f"{host}:{port}": {} for host, port in targets}
    until = BEGAN + float(seconds)
    threads = [
        threading.Thread(target=keep_trying, args=(host, port, until, told[f"{host}:{port}"])) for host, port in targets
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    time.sleep(max(0, until - time.time()))
    json.dump({"began": BEGAN, "targets": told, "visitors": visitors}, sys.stdout)


if __name__ == "__main__":
    main()
