"""`manage.py verify_links`: settles the links that are pending because the other service could not be asked."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management import BaseCommand, CommandParser

from chassis.issuers import Caller

from ...genomics_client import Unreachable
from ...linking import settle
from ...models import GenomicLink

BATCH = 50
# EX_TEMPFAIL of sysexits.h: "try again later"; a crash is 1, a wrong argument 2.
LEFT = 75


def between(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise ArgumentTypeError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return read


class Command(BaseCommand):
    help = f"{__doc__} Can be run at any time, and several times at once. Exits with {LEFT} while links are left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=between(1, 100_000), default=1000, help="links at most (default: 1000)")
        parser.add_argument("--seconds", type=between(1, 86_400), default=300, help="time at most (default: 300)")

    def handle(self, *args: Any, limit: int, seconds: int, **options: Any) -> None:
        until = time.monotonic() + seconds
        total: Counter[str] = Counter()
        after: UUID | None = None
        while total.total() < limit and time.monotonic() < until:
            batch = list(GenomicLink.objects.pending(after=after)[: min(BATCH, limit - total.total())])
            if not batch:
                break
            after = batch[-1].pk
            outcomes = self._settle(batch, until)
            total += outcomes
            self._report(outcomes, total)
            if "stopped" in outcomes:
                break
        left = GenomicLink.objects.pending().count()
        self.stdout.write(f"{left} links are left." if self.stdout.isatty() else json.dumps({"left": left}))
        if left:
            sys.exit(LEFT)

    def _settle(self, batch: list[GenomicLink], until: float) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        for link in batch:
            # Nobody's token asks here: the organization is the link's own.
            caller = Caller("service:verify_links", "verify_links", link.organization, frozenset())
            try:
                outcomes[settle(link, caller=caller)] += 1
            except Unreachable as error:
                # An open circuit breaker says that the others would not be answered either.
                outcomes["stopped" if error.reason == "open" else "unreachable"] += 1
            if "stopped" in outcomes or time.monotonic() >= until:
                break
        return outcomes

    def _report(self, outcomes: Counter[str], total: Counter[str]) -> None:
        if self.stdout.isatty():
            words = ", ".join(f"{count} {outcome}" for outcome, count in sorted(total.items()))
            self.stdout.write(f"\r{words} ", ending="")
            self.stdout.flush()
        else:
            self.stdout.write(json.dumps({"asked": outcomes.total(), **outcomes}))
