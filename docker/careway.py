#!/opt/careway/bin/python -I
"""The image's one command: `careway serve` and gunicorn's options; every other word is a command of manage.py.

It becomes what it starts: signals reach that program, and its exit status is the command's.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent


def main(words: Sequence[str]) -> NoReturn:
    if words[:1] == ["serve"]:
        os.chdir(ROOT)  # gunicorn imports the application from where it stands
        program = ["-m", "gunicorn", "--config", "config/gunicorn.py", *words[1:]]
    else:
        program = [str(ROOT / "manage.py"), *words]
    os.execv(sys.executable, [sys.executable, *program])  # noqa: S606  (without a shell, on purpose)


if __name__ == "__main__":
    main(sys.argv[1:])
