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

from django.conf import settings
from django.core.management import BaseCommand, CommandParser
from opentelemetry import trace

from chassis.issuers import Caller
from chassis.telemetry import start

from ...genomics_client import Unreachable
from ...linking import settle
from ...models import GenomicLink

BATCH = 50
# EX_TEMPFAIL of sysexits.h: "try again later"; a crash is 1, a wrong argument 2.
LEFT = 75
# Why it could not be asked, where no other link would be answered either.
HOPELESS = {"open": "genomics does not answer", "identity": "genomics takes no token of this service"}


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
        if settings.TELEMETRY:
            start()
        until = time.monotonic() + seconds
        total: Counter[str] = Counter()
        after: UUID | None = None
        self._hopeless = ""
        while total.total() < limit and time.monotonic() < until and not self._hopeless:
            batch = list(GenomicLink.objects.pending(after=after)[: min(BATCH, limit - total.total())])
            if not batch:
                break
            after = batch[-1].pk
            outcomes = self._settle(batch, until)
            total += outcomes
            self._report(outcomes, total)
        self._conclude(GenomicLink.objects.pending().count(), total)

    def _settle(self, batch: list[GenomicLink], until: float) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        for link in batch:
            # Nobody's token asks here: the organization is the link's own.
            caller = Caller("service:verify_links", "verify_links", link.organization, frozenset())
            try:
                # A trace each: its history then names what genomics was asked.
                with trace.get_tracer(__name__).start_as_current_span("settle", record_exception=False):
                    outcomes[settle(link, caller=caller)] += 1
            except Unreachable as error:
                if error.reason in HOPELESS:
                    self._hopeless = error.reason
                    break
                outcomes["unreachable"] += 1
            if time.monotonic() >= until:
                break
        return outcomes

    def _report(self, outcomes: Counter[str], total: Counter[str]) -> None:
        if self.stdout.isatty():
            words = ", ".join(f"{count} {outcome}" for outcome, count in sorted(total.items()))
            self.stdout.write(f"\r{words} ", ending="")
            self.stdout.flush()
        else:
            self.stdout.write(json.dumps({"asked": outcomes.total(), **outcomes}))

    def _conclude(self, left: int, total: Counter[str]) -> None:
        if self.stdout.isatty():
            ends_progress = "\n" if total else ""
            stopped = f" Stopped: {HOPELESS[self._hopeless]}." if self._hopeless else ""
            self.stdout.write(f"{ends_progress}{left} links are left.{stopped}")
        else:
            stopped_by = {"stopped": self._hopeless} if self._hopeless else {}
            self.stdout.write(json.dumps({"left": left, **stopped_by}))
        if left:
            sys.exit(LEFT)
