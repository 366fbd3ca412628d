"""A share for everybody: the requests of one subject that run at once in a process are counted, and one too many is a 429.

A request holds its thread from beginning to end: its body, its queries, and a stream's last byte. So what is counted are
threads, each with the subject that it works for. That cannot leak: whatever became of a request, the next one of its
thread takes its place. This is fairness among those who are let in, and no defence: rates are the gateway's to limit,
and DRF's throttles count by the minute, not what is in flight.
"""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.dispatch import receiver

from .issuers import Caller
from .problems import Problem

RETRY_SECONDS = 1

_lock = threading.Lock()
_working_for: dict[int, str] = {}


def enter(caller: Caller) -> None:
    """This thread works for the caller from now on, until its response is closed. Raises Problem too-many-requests.

    A delegated service asks for many people: each of them is counted where they asked, and the service is not.
    """
    limit: int = settings.REQUESTS_PER_SUBJECT
    if not limit or caller.delegated:
        return
    here = threading.get_ident()
    with _lock:
        others = sum(actor == caller.actor for thread, actor in _working_for.items() if thread != here)
        if others >= limit:
            raise Problem(
                "too-many-requests",
                f"This process works on {limit} requests of one caller at a time.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        _working_for[here] = caller.actor


@receiver([request_started, request_finished])
def leave(**_: Any) -> None:
    """Django sends the second when a response is closed, a stream's too; the first clears what a crash left behind."""
    with _lock:
        _working_for.pop(threading.get_ident(), None)
