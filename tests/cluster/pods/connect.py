"""Tries to open each `host port` of its arguments and prints, as JSON, who let it: connected, refused, silent or unknown."""

import errno
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

SECONDS = 3


def outcome(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=SECONDS).close()
    except socket.gaierror:
        return "unknown"
    except TimeoutError:
        return "silent"
    except OSError as error:
        # Somebody was there to say no, so it was reached; a host without a route was not.
        return "refused" if error.errno == errno.ECONNREFUSED else "silent"
    return "connected"


if __name__ == "__main__":
    words = sys.argv[1:]
    pairs = zip(words[::2], words[1::2], strict=True)
    targets = [(host, int(port)) for host, port in pairs]
    with ThreadPoolExecutor(max(len(targets), 1)) as threads:  # else each that is silent costs its seconds
        outcomes = threads.map(outcome, *zip(*targets, strict=True))
    json.dump({f"{host}:{port}": each for (host, port), each in zip(targets, outcomes, strict=True)}, sys.stdout)
