"""Links analyses to a consultation, one after the other until it is ended, and prints a line of JSON for each.

Its argument is JSON: `headers`, `analyses` and `links`, the URLs to make either at, `analysis`, what is made, and `pause`,
seconds between two links. Python's own library alone.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any


def made(url: str, headers: dict[str, str], body: dict[str, str]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def outcome(plan: dict[str, Any]) -> str:
    """What became of one link: its verification, or how it failed."""
    try:
        analysis = made(plan["analyses"], plan["headers"], plan["analysis"])
        wanted = {"analysis_id": analysis["id"], "relation": "reviewed"}
        return str(made(plan["links"], plan["headers"], wanted)["verification"])
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read()[:200].decode(errors='replace')}"
    except OSError as error:
        return f"{type(error).__name__}: {error}"


def main() -> None:
    plan = json.loads(sys.argv[1])
    while True:
        at = round(time.time(), 3)
        print(json.dumps({"at": at, "outcome": outcome(plan)}), flush=True)
        time.sleep(plan["pause"])


if __name__ == "__main__":
    main()
