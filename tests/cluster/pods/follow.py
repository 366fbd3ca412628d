"""Waits until the file with the database's user says what the first argument does, for as many seconds as the second one."""

import sys
import time
from pathlib import Path

FILE = Path("/etc/careway/secrets/username")


def main(user: str, seconds: float) -> None:
    began = time.monotonic()
    while (found := FILE.read_text()) != user:
        if time.monotonic() - began > seconds:
            sys.exit(f"the file still says {found} after {seconds:.0f} s")
        time.sleep(0.2)
    print(round(time.monotonic() - began))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
