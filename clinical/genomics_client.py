"""The HTTP client of the genomics service: one question, with an end in time whatever the other side does."""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Literal, NamedTuple
from urllib.parse import quote
from uuid import UUID

import httpx2
import stamina
from django.conf import settings
from opentelemetry import propagate

from chassis.text import control_character

logger = logging.getLogger(__name__)

# In all: the name resolved, both attempts, the last byte of the body.
DEADLINE_SECONDS = 2.0
# An address that nobody answers at must leave time for the second attempt, which may reach another pod.
CONNECT_SECONDS = 0.7
ATTEMPTS = 2
BACK_OFF_SECONDS = 0.05
BODY_BYTES = 65_536
TOKEN_BYTES = 16_384
TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 §2.1
FAILURES = 5
OPEN_SECONDS = 10.0
# Seven such texts stay below 4 KiB, also of characters that take four bytes each.
LONGEST_TEXT = 100

# What is not packed does not grow.
HEADERS = {"Accept": "application/json, application/problem+json", "Accept-Encoding": "identity", "Connection": "close"}

Reason = Literal["timeout", "refused", "status", "garbage", "open", "identity"]


class Unreachable(Exception):
    """Genomics could not be asked, for a `reason`.

    timeout; refused (no connection, or one that broke); status (one that answers another question, such as 500);
    garbage (not what genomics says); open (it failed too often just now); identity (no token, or one it refuses).
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Analysis(NamedTuple):
    """What there is to know of an analysis outside its service: whose it is, and a snapshot; never a genotype."""

    patient_id: UUID
    snapshot: dict[str, Any]


def find_analysis(analysis_id: UUID, *, organization: str) -> Analysis | None:
    """None when genomics knows no such analysis of that organization. Raises Unreachable."""
    token = _service_token()
    line = _line()
    line.breaker.admit()
    # Percent-encoded: a header is ASCII, and the name of a hospital need not be.
    headers = {"Authorization": f"Bearer {token}", "Careway-Organization": quote(organization, safe=""), **HEADERS}
    try:
        found = _analysis_in(line.ask(f"/genomics/v1/analyses/{analysis_id}", headers), analysis_id)
    except Unreachable as error:
        line.breaker.failed(error.reason)
        raise
    line.breaker.succeeded()
    return found


def _service_token() -> str:
    """Read for every call: the kubelet puts a new token in the file's place long before the old one expires."""
    token = b""
    # A pipe in its place would be waited for without end.
    with suppress(OSError):
        if settings.GENOMICS_TOKEN_FILE.is_file():
            with settings.GENOMICS_TOKEN_FILE.open("rb") as file:
                token = file.read(TOKEN_BYTES + 1).strip()
    if len(token) > TOKEN_BYTES or not TOKEN.fullmatch(token):
        logger.error("there is no service token to ask genomics with")
        raise Unreachable("identity")
    return token.decode()


class Answer(NamedTuple):
    """What came back; `body` may be one byte longer than is allowed, and is cut there."""

    status: int
    media_type: str
    vary: str
    body: bytes


def _analysis_in(answer: Answer, analysis_id: UUID) -> Analysis | None:
    """Takes nothing on trust: proxies answer too, and what is stored here is shown for years. Raises Unreachable."""
    if answer.status in {401, 403}:
        logger.error("genomics refuses the token of this service", extra={"status": answer.status})
        raise Unreachable("identity")
    if answer.status not in {200, 404}:
        raise Unreachable("status")
    if answer.media_type != ("application/json" if answer.status == 200 else "application/problem+json"):
        raise Unreachable("garbage")
    document = _document(answer.body)
    # What does not vary by organization says nothing of one: another service, or another URL, is not found either.
    if answer.status == 404 and document.get("code") == "not-found" and "careway-organization" in answer.vary:
        return None
    patient = _uuid(document.get("patient_id"))
    fits = all(name in document and is_right(document[name]) for name, is_right in SNAPSHOT.items())
    if answer.status == 404 or _uuid(document.get("id")) != analysis_id or patient is None or not fits:
        raise Unreachable("garbage")
    return Analysis(patient, {name: document[name] for name in SNAPSHOT})


def _document(body: bytes) -> dict[str, Any]:
    document: Any = None
    with suppress(ValueError, RecursionError):
        document = json.loads(body) if len(body) <= BODY_BYTES else None
    if not isinstance(document, dict):
        raise Unreachable("garbage")
    return document


def _uuid(value: Any) -> UUID | None:
    with suppress(ValueError):
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and not control_character(value, multiline=False)


def _is_time(value: Any) -> bool:
    with suppress(ValueError):
        return _is_text(value) and datetime.fromisoformat(value).tzinfo is not None
    return False


SNAPSHOT: Mapping[str, Callable[[Any], bool]] = {
    "status": _is_text,
    "assay": _is_text,
    "panel_code": lambda value: value is None or _is_text(value),
    "genome_build": _is_text,
    "pipeline_name": _is_text,
    "pipeline_version": _is_text,
    "version": lambda value: type(value) is int and 0 < value < 2**63,
    "ingested_at": lambda value: value is None or _is_time(value),
}


class Breaker:
    """After FAILURES calls in a row that failed it is open: for OPEN_SECONDS nobody asks, then one call tries.

    Each call that waits out its deadline holds a thread; so one slow service would stop two. It is ours, since neither
    httpx2 nor stamina has one, and all it takes is a count and a time. One a process: each learns the same in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = -math.inf

    def admit(self) -> None:
        """Raises Unreachable when nobody is to ask now."""
        with self._lock:
            if self._failures < FAILURES:
                return
            if self._clock() < self._open_until:
                raise Unreachable("open")
            # This call is the trial. The others wait for another term, which its success ends; so a trial that never
            # reports costs one term.
            self._open_until = self._clock() + OPEN_SECONDS

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self, reason: Reason) -> None:
        with self._lock:
            self._failures += 1
            if self._failures != FAILURES:  # afterwards only a trial counts, and that has its term
                return
            self._open_until = self._clock() + OPEN_SECONDS
        logger.warning("genomics failed too often and is not asked for a time", extra={"reason": reason})


class _Line:
    """What the threads of a process share: the HTTP client, the threads that wait for it, and the breaker.

    The time-outs of httpx2 are for each read, and none bounds the resolver: a peer that sends a byte now and then would
    be waited for without end. So another thread waits, and its caller waits for that one until the deadline.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.breaker = Breaker()
        # As many as there are requests at once, so that no call waits for a thread.
        self._threads = ThreadPoolExecutor(settings.THREADS, thread_name_prefix="genomics")
        self._client = httpx2.Client(
            trust_env=False,  # a proxy for the world outside is none for this
            verify=ssl.create_default_context(),  # the system's authorities, or those of SSL_CERT_FILE
            follow_redirects=False,
            # What one organization's answer sets must not go out with another's question.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # A connection for each call: kept ones would all end at the one pod that they began at, and break when it
            # goes; and the socket of a call has to be its own, to be broken off at the deadline.
            limits=httpx2.Limits(max_connections=settings.THREADS, max_keepalive_connections=0),
        )

    def ask(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Raises Unreachable, at the deadline at the latest."""
        call = _Call(self._client, self.url + path, headers)
        # The context goes along, and with it the span that this call belongs to.
        future = self._threads.submit(copy_context().run, call.answer)
        try:
            return future.result(call.seconds_left())
        except TimeoutError:
            future.cancel()
            call.break_off()
            raise Unreachable("timeout") from None


class _Call:
    """One question with its deadline: asked in one thread, broken off from another."""

    def __init__(self, client: httpx2.Client, url: str, headers: Mapping[str, str]) -> None:
        self._client = client
        self._url = url
        self._headers = dict(headers)
        self._deadline = time.monotonic() + DEADLINE_SECONDS
        self._socket: socket.socket | None = None

    def seconds_left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def answer(self) -> Answer:
        """Raises Unreachable: after two attempts, or when there is no time for the second."""
        propagate.inject(self._headers)
        waits = {"wait_initial": BACK_OFF_SECONDS, "wait_jitter": BACK_OFF_SECONDS}
        for attempt in stamina.retry_context(Unreachable, attempts=ATTEMPTS, timeout=DEADLINE_SECONDS, **waits):
            with attempt:
                return self._attempt()
        raise AssertionError("an attempt answers or raises")

    def break_off(self) -> None:
        """Ends what a thread waits for, as no closing would: it reads the end of the stream at once."""
        if self._socket:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _attempt(self) -> Answer:
        """Raises Unreachable for what another attempt may mend."""
        if not (left := self.seconds_left()):
            raise Unreachable("timeout")
        timeout = httpx2.Timeout(left, connect=min(left, CONNECT_SECONDS))
        extensions = {"trace": self._notice}
        try:
            with self._client.stream(
                "GET", self._url, headers=self._headers, timeout=timeout, extensions=extensions
            ) as response:
                if response.status_code >= 500:
                    raise Unreachable("status")
                media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                vary = response.headers.get("Vary", "").lower()
                return Answer(response.status_code, media_type, vary, self._body(response))
        except httpx2.TimeoutException:
            raise Unreachable("timeout") from None
        except httpx2.ProtocolError:
            raise Unreachable("garbage") from None
        except (httpx2.TransportError, httpx2.InvalidURL, UnicodeError):  # the last two: a host that no name can be
            raise Unreachable("refused") from None

    def _body(self, response: httpx2.Response) -> bytes:
        body = b""
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > BODY_BYTES or not self.seconds_left():
                break
        return body[: BODY_BYTES + 1]

    def _notice(self, event: str, info: Mapping[str, Any]) -> None:
        """Keeps the socket as soon as there is one; of a call that was given up while it connected, ends it."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")
            if not self.seconds_left():
                self.break_off()


_lock = threading.Lock()
_lines: list[_Line] = []


def _line() -> _Line:
    """The line to `settings.GENOMICS_URL`; one a process, made at its first call and so after the fork."""
    with _lock:
        if not _lines or _lines[0].url != settings.GENOMICS_URL:
            _lines[:] = [_Line(settings.GENOMICS_URL)]
        return _lines[0]


def forget_failures() -> None:
    """Closes the breaker, for a caller that will ask about something else."""
    _line().breaker.succeeded()
