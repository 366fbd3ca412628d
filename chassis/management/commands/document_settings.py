"""`manage.py document_settings`: writes the tables of settings in docs/ from what the code declares."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

HEAD = "| variable | meaning | default | bounds |\n|---|---|---|---|\n"
# The table under a heading "Settings": its head, and the rows below it.
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a table is out of date")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        for room in ["", *settings.SERVICES]:
            page = Path(settings.ROOT) / "docs" / f"{room or 'operating'}.md"
            old = page.read_text(encoding="utf-8")
            new = TABLE.sub(table_of(room).replace("\\", r"\\"), old, count=1)
            if check and new != old:
                raise CommandError(f"docs/{page.name} is out of date: run `make format`.")
            page.write_text(new, encoding="utf-8")


def table_of(room: str) -> str:
    """The table of the settings that a room reads."""
    rows = [
        f"| `{each.name}` | {each.meaning} | {_code(each.default)} | {each.bounds} |"
        for each in settings.DOCUMENTED_SETTINGS
        if each.room == room
    ]
    return HEAD + "\n".join(rows) + "\n"


def _code(default: str) -> str:
    """A value is code; words, such as "required", are words."""
    return f"`{default}`" if re.fullmatch(r"[A-Z]+|production|true|false", default) else default
