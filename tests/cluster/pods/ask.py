"""Sends the requests that it reads as JSON, one after the other, and prints the answers. Python's own library alone."""

import base64
import json
import sys
import urllib.error
import urllib.request
from typing import Any


def answered(asked: dict[str, Any]) -> dict[str, Any]:
    body = base64.b64decode(asked["body"]) if asked.get("body") else None
    request = urllib.request.Request(asked["url"], body, asked.get("headers", {}), method=asked.get("method", "GET"))
    try:
        with urllib.request.urlopen(request, timeout=asked.get("timeout", 30)) as answer:
            return told(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return told(error.code, error.headers, error.read())
    except OSError as error:
        return {"status": 0, "headers": {}, "body": "", "error": f"{type(error).__name__}: {error}"}


def told(status: int, headers: Any, body: bytes) -> dict[str, Any]:
    return {
        "status": status,
        "headers": dict[str, Any](headers.items()),
        "body": base64.b64encode(body).decode(),
        "error": "",
    }


if __name__ == "__main__":
    json.dump([answered(each) for each in json.load(sys.stdin)], sys.stdout)
