"""What a release promises, tried from inside: a line a promise, and 1 when one is broken. Python's own library alone.

`prove.py within` runs as the service does, and asks it; `prove.py stranger` may send to it, and must not be heard.
"""

import errno
import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SERVICE, COLLECTION = os.environ["CAREWAY_SERVICES"], os.environ["CAREWAY_COLLECTION"]
HOST, _, PORT = os.environ["CAREWAY_PROVED"].partition(":")
FOREIGN = Path("/var/run/secrets/careway-test/token")
METADATA = "169.254.169.254"
# Seconds: until the service is ready; until whoever does not answer counts as out of reach; until policies hold for a
# new pod, of which some engines hear a moment late.
PATIENCE, REFUSED_AFTER, SETTLED = 60, 3, 10

Promises = Iterator[tuple[str, Callable[[], bool]]]


def answer(path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, int(PORT), timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(500).decode(errors="replace")
    finally:
        connection.close()


def connects(host: str, port: int) -> bool:
    """Whether a connection comes about; refused by whoever is there counts as well, since something went through.

    A name that leads nowhere is an error: whoever cannot be asked for would seem to be out of reach.
    """
    *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    try:
        socket.create_connection((str(address[0]), port), timeout=REFUSED_AFTER).close()
    except OSError as error:
        return error.errno == errno.ECONNREFUSED
    return True


def out_of_reach(host: str, port: int) -> bool:
    return eventually(lambda: not connects(host, port), SETTLED)


def becomes_ready() -> bool:
    return eventually(lambda: answer("/readyz")[0] == 200, PATIENCE)


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Asks at least once; what cannot be asked does not hold yet, and at the end is an error."""
    until = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return True
        except OSError:
            if time.monotonic() > until:
                raise
        if time.monotonic() > until:
            return False
        time.sleep(1)


def of_this_process(name: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{name}:"))


def writes(path: str) -> bool:
    try:
        Path(path).write_text("")
    except OSError as error:
        return error.errno != errno.EROFS
    Path(path).unlink()
    return True


def within() -> Promises:
    yield "the service is ready", becomes_ready
    yield "it says what it is", lambda: SERVICE in answer("/")[1]
    yield "who has no token is told so", lambda: answer(COLLECTION)[0] == 401
    forged = {"Authorization": f"Bearer {FOREIGN.read_text()}"}
    yield "a token for another audience is refused", lambda: answer(COLLECTION, **forged)[0] == 401
    yield "a host name that is not its own is refused", lambda: answer(COLLECTION, Host="elsewhere.example")[0] == 400
    if os.environ["CAREWAY_POLICIES"] == "true":
        api_server = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
        yield "the API server is out of reach", lambda: out_of_reach(*api_server)
        yield "the metadata of the node are out of reach", lambda: out_of_reach(METADATA, 80)
    yield "it runs as 10001", lambda: of_this_process("Uid").split() == ["10001"] * 4
    yield "it has no capability", lambda: int(of_this_process("CapBnd"), 16) == 0
    yield "it can gain no privilege", lambda: of_this_process("NoNewPrivs") == "1"
    yield "its system calls are filtered", lambda: of_this_process("Seccomp") == "2"
    yield "its file system is read-only", lambda: not writes("/srv/careway/file")
    yield "it has no token for the API server", lambda: not Path("/var/run/secrets/kubernetes.io").exists()


def stranger() -> Promises:
    yield "who is not let in is not heard", lambda: out_of_reach(HOST, int(PORT))


def main(role: str) -> int:
    broken = 0
    for promise, kept in {"within": within, "stranger": stranger}[role]():
        try:
            outcome = "kept" if kept() else "broken"
        except Exception as error:
            outcome = f"broken: {type(error).__name__}: {error}"
        broken += outcome != "kept"
        sys.stdout.write(json.dumps({"promise": promise, "outcome": outcome}) + "\n")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
