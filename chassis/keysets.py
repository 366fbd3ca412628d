"""The keys an issuer signs with: read from a file or fetched, renewed, and kept for a time while the issuer is down."""

from __future__ import annotations

import http.client
import logging
import math
import os
import threading
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .issuers import Issuer
from .jwks import DOCUMENT_BYTES, Key, keys_in
from .problems import Problem

logger = logging.getLogger(__name__)

LIFESPAN_SECONDS = 300.0
TIMEOUT_SECONDS = 2.0
# Tokens with invented key ids must not become requests to the issuer: at most one in this time, and none for a
# set that has only just come.
COOLDOWN_SECONDS = 30.0
FRESH_SECONDS = 1.0
# After a fetch that failed, with nothing to go on with; with the last good set it is COOLDOWN_SECONDS.
RETRY_SECONDS = 5.0
STALE_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an issuer at one moment; `generation` grows whenever they differ from those before."""

    all: tuple[Key, ...]
    generation: int

    def named(self, kid: str | None) -> list[Key]:
        """The keys of that id; all of them for a token that names none."""
        return [key for key in self.all if kid is None or key.kid == kid]


class KeySet(ABC):
    """The keys of one issuer, shared by all threads of a process."""

    def __init__(
        self, name: str, *, stale_seconds: float = STALE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._made_at = clock()
        self._good_at = -math.inf
        self._failing = False

    @property
    def age(self) -> float:
        """Seconds since it was last good; since the process knows it, if it never was."""
        return self._clock() - max(self._made_at, self._good_at)

    @abstractmethod
    def current(self) -> Keys:
        """The keys to verify with now. Raises Problem unavailable when none were read for `stale_seconds`."""

    @abstractmethod
    def renewed(self) -> Keys:
        """The keys, asked for again where that is allowed, because one was missing. Raises Problem unavailable."""

    def _age(self) -> float:
        return self._clock() - self._good_at

    def _is_usable(self) -> bool:
        return self._keys is not None and self._age() <= self._stale_seconds

    def _usable(self) -> Keys:
        if self._keys is None or not self._is_usable():
            detail = "The keys of the token's issuer cannot be read now."
            raise Problem("unavailable", detail, headers={"Retry-After": f"{RETRY_SECONDS:.0f}"})
        return self._keys

    def _accept(self, document: bytes) -> None:
        """Raises ValueError when the document is no JWK Set; what was good before stays."""
        found = keys_in(document)
        if not found:
            # A set without keys withdraws them all, and that has to work; but more often it is somebody's mistake.
            logger.warning("a key set holds no usable key", extra={"issuer": self.name})
        before = self._keys
        if before is None or before.all != found:
            self._keys = Keys(found, before.generation + 1 if before else 1)
        self._good_at = self._clock()
        self._failing = False

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            logger.warning("a key set cannot be read", extra={"issuer": self.name, "error": type(error).__name__})
        self._failing = True


class FileKeySet(KeySet):
    """A key set in a file, read again whenever the file is another one. Costs a stat each time."""

    def __init__(self, name: str, path: Path, **options: Any) -> None:
        super().__init__(name, **options)
        self._path = path
        self._tried: tuple[int, ...] | None = None
        self._good: tuple[int, ...] | None = None

    def current(self) -> Keys:
        try:
            status = os.stat(self._path)
            version = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
            if version != self._tried:
                self._read(version)
            if version == self._good:
                self._good_at = self._clock()
        except OSError as error:
            self._failed(error)
        return self._usable()

    def renewed(self) -> Keys:
        return self.current()

    def _read(self, version: tuple[int, ...]) -> None:
        with self._lock:
            if version == self._tried:
                return
            try:
                with self._path.open("rb") as file:
                    self._accept(file.read(DOCUMENT_BYTES + 1))
                self._good = version
            except ValueError as error:
                self._failed(error)
            self._tried = version


class RemoteKeySet(KeySet):
    """A key set behind a URL, fetched by one background thread at a time.

    Name resolution has no time-out of its own, and a slow answer can outlast any socket's; so nobody waits longer than
    TIMEOUT_SECONDS for that thread, and who has keys to go on with waits only for the fetch it started itself.
    """

    def __init__(self, name: str, url: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._url = url
        self._fetch: threading.Event | None = None
        self._retry_at = -math.inf
        self._asked_at = -math.inf

    def current(self) -> Keys:
        if self._age() >= LIFESPAN_SECONDS:
            fetch, mine = self._fetching(lambda: self._age() >= LIFESPAN_SECONDS)
            if fetch and (mine or not self._is_usable()):
                fetch.wait(TIMEOUT_SECONDS)
        return self._usable()

    def renewed(self) -> Keys:
        fetch, mine = self._fetching(self._may_ask)
        if mine:
            self._asked_at = self._clock()
        if fetch:
            fetch.wait(TIMEOUT_SECONDS)
        return self._usable()

    def _may_ask(self) -> bool:
        return self._age() >= FRESH_SECONDS and self._clock() >= self._asked_at + COOLDOWN_SECONDS

    def _fetching(self, wanted: Callable[[], bool]) -> tuple[threading.Event | None, bool]:
        """The fetch under way, if any, and whether this call started it."""
        with self._lock:
            if self._fetch or self._clock() < self._retry_at or not wanted():
                return self._fetch, False
            self._fetch = done = threading.Event()
            self._retry_at = self._clock() + (COOLDOWN_SECONDS if self._is_usable() else RETRY_SECONDS)
            threading.Thread(target=self._run, args=[done], name=f"keys-{self.name}", daemon=True).start()
            return done, True

    def _run(self, done: threading.Event) -> None:
        try:
            self._accept(_download(self._url))
            self._retry_at = -math.inf
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._failed(error)
        finally:
            with self._lock:
                self._fetch = None
            done.set()


def key_set(issuer: Issuer) -> KeySet:
    """The key set that the issuer's setting names."""
    if issuer.jwks_file is not None:
        return FileKeySet(issuer.name, Path(issuer.jwks_file))
    return RemoteKeySet(issuer.name, issuer.jwks_url or "")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would move the trust in an https URL to wherever it points."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects())


def _download(url: str) -> bytes:
    """Raises OSError, HTTPException; ValueError for a document too large."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    # parse_issuers lets no other scheme than http and https in here.
    request = urllib.request.Request(url, headers={"Accept": "application/jwk-set+json, application/json"})  # noqa: S310
    body = b""
    with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
        while chunk := response.read1(65_536):
            body += chunk
            if len(body) > DOCUMENT_BYTES:
                raise ValueError("the document is too large")
            if time.monotonic() > deadline:
                raise TimeoutError("the document came too slowly")
    return body
