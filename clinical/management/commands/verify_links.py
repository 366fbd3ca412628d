"""`manage.py verify_links`: settles the links that are pending because the other service could not be asked."""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management import BaseCommand, CommandParser
from django.db import OperationalError
from opentelemetry import trace
from psycopg.errors import LockNotAvailable

from chassis.flush import export, flush
from chassis.housekeeping import LATER, between
from chassis.issuers import Caller
from chassis.telemetry import start

from ...genomics_client import Unreachable, forget_failures
from ...linking import settle
from ...models import GenomicLink

BATCH = 50
# Why it could not be asked, where no other link would be answered either.
HOPELESS = {"open": "genomics does not answer", "identity": "genomics takes no token of this service"}


class Command(BaseCommand):
    help = f"{__doc__} Can be run at any time, and several times at once. Exits with {LATER} while links are left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=between(1, 100_000), default=1000, help="links at most (default: 1000)")
        parser.add_argument("--seconds", type=between(1, 86_400), default=300, help="time at most (default: 300)")

    def handle(self, *args: Any, limit: int, seconds: int, **options: Any) -> None:
        if not settings.TELEMETRY:
            self._verify(limit, seconds)
            return
        start()
        export()
        try:
            self._verify(limit, seconds)
        finally:
            flush()  # the SDK's own end waits for a collector that drips its answer as long as that one likes

    def _verify(self, limit: int, seconds: int) -> None:
        self._until = time.monotonic() + seconds
        self._total: Counter[str] = Counter()
        self._hopeless = ""
        self._reason = ""
        waiting = list(GenomicLink.objects.pending().values_list("pk", flat=True)[:limit])
        self._settle(waiting)
        # Genomics is there, but has no good answer for these: were the oldest asked first for ever, they would keep all
        # the others waiting. The others once more, then, and in no order: the breaker opens again only if most are such.
        if self._hopeless == "open" and self._reason != "refused":
            rest = waiting[self._total.total() :]
            random.shuffle(rest)
            forget_failures()
            self._hopeless = ""
            self._settle(rest)
        self._conclude(GenomicLink.objects.pending().count())

    def _settle(self, waiting: Sequence[UUID]) -> None:
        """Batch by batch, until it is hopeless or the time is up."""
        for first in range(0, len(waiting), BATCH):
            if self._hopeless or time.monotonic() >= self._until:
                return
            outcomes = self._settle_batch(waiting[first : first + BATCH])
            self._total += outcomes
            self._report(outcomes)

    def _settle_batch(self, keys: Sequence[UUID]) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        # One that somebody else has settled by now is passed over.
        found = GenomicLink.objects.pending().in_bulk(keys)
        for link in [found[key] for key in keys if key in found]:
            try:
                outcomes[self._settle_one(link)] += 1
            except Unreachable as error:
                if error.reason in HOPELESS:
                    self._hopeless = error.reason
                    break
                self._reason = error.reason
                outcomes["unreachable"] += 1
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                outcomes["busy"] += 1  # somebody is at this very link, or at its consultation: another time
            if time.monotonic() >= self._until:
                break
        return outcomes

    def _settle_one(self, link: GenomicLink) -> str:
        # Nobody's token asks here: the organization is the link's own.
        caller = Caller("service:verify_links", "verify_links", link.organization, frozenset())
        # A trace each: its history then names what genomics was asked.
        with trace.get_tracer(__name__).start_as_current_span("settle", record_exception=False):
            return settle(link, caller=caller)

    def _report(self, outcomes: Counter[str]) -> None:
        if self.stdout.isatty():
            words = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self._total.items()))
            self.stdout.write(f"\r{words} ", ending="")
            self.stdout.flush()
        else:
            self.stdout.write(json.dumps({"asked": outcomes.total(), **outcomes}))

    def _conclude(self, left: int) -> None:
        if self.stdout.isatty():
            ends_progress = "\n" if self._total else ""
            stopped = f" Stopped: {HOPELESS[self._hopeless]}." if self._hopeless else ""
            self.stdout.write(f"{ends_progress}{left} links are left.{stopped}")
        else:
            stopped_by = {"stopped": self._hopeless} if self._hopeless else {}
            self.stdout.write(json.dumps({"left": left, **stopped_by}))
        if left:
            sys.exit(LATER)
