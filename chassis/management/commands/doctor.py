"""`manage.py doctor`: is everything well that the service stands on?"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from django.core.management import BaseCommand, CommandParser

from chassis.examination import Finding, examine


class Command(BaseCommand):
    help = f"{__doc__} Changes nothing. Exits with 1 when something is wrong; a warning is none."
    requires_system_checks = ()  # they are among what is examined

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="a list of objects instead of lines for people")

    def handle(self, *args: Any, **options: Any) -> None:
        # What the parts would log of their trouble stands in the findings; stdout is theirs alone.
        logging.disable(logging.CRITICAL)
        try:
            findings = examine()
        finally:
            logging.disable(logging.NOTSET)
        if options["json"]:
            self.stdout.write(json.dumps([finding._asdict() for finding in findings]))
        else:
            self.stdout.write("\n".join(map(_line, findings)))
        if any(finding.outcome == "wrong" for finding in findings):
            sys.exit(1)


def _line(finding: Finding) -> str:
    words = " ".join(filter(None, [finding.message, finding.hint]))
    return f"{finding.outcome:<8} {finding.check:<24} {words}".rstrip()
