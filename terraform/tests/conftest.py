"""The grounds of dev and of production, built once, side by side, each on a double of its own: about four minutes."""

from __future__ import annotations

import contextlib
import os
import signal
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from .account import Account, before_the_ground
from .census import census
from .ground import Ground, answers, free_port, start_double
from .inventory import Inventory
from .promises import Promise

ENVIRONMENTS = ("dev", "production")


@dataclass
class Built:
    """A ground that is built, and what was in the account before it."""

    ground: Ground
    account: Account
    before: set[str]
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def inventory(self) -> Inventory:
        """Read anew."""
        return Inventory(self.account)

    def broken(self, promise: Promise) -> list[str]:
        """What breaks a promise on the ground as it was built; asked once."""
        if promise.__name__ not in self.faults:
            self.faults[promise.__name__] = sorted(promise(self.inventory))
        return self.faults[promise.__name__]

    @contextlib.contextmanager
    def fork(self) -> Iterator[tuple[Ground, Account]]:
        """The same on another double, for changes by hand."""
        port = free_port()
        with urllib.request.urlopen(f"{self.ground.endpoint}/fork?{port}") as answer:
            child = int(answer.read())
        endpoint = f"http://127.0.0.1:{port}"
        try:
            answers(port)
            yield replace(self.ground, endpoint=endpoint), replace(self.account, endpoint=endpoint)
        finally:
            os.kill(child, signal.SIGTERM)


def asked_for(session: pytest.Session) -> list[str]:
    """The environments of the tests that are run: `-k dev` builds that one alone."""
    functions = [item for item in session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    return sorted(
        {str(each.callspec.params["environment"]) for each in functions if "environment" in each.callspec.params}
    )


@pytest.fixture(scope="session", autouse=True)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Built]]]:
    doubles = []

    def build(environment: str, work: Path) -> Built:
        ground = Ground(environment, work)
        double, endpoint = start_double(ground.value("account_id"), work / "double.log")
        doubles.append(double)
        ground = replace(ground, endpoint=endpoint)
        ground.copy()
        account = Account(endpoint, ground.value("region"))
        before_the_ground(account)
        before = census(account)
        ground.apply()
        return Built(ground, account, before)

    works = {each: tmp_path_factory.mktemp(each) for each in asked_for(request.session)}
    with ThreadPoolExecutor(len(works) or 1) as pool:
        try:
            yield {each: pool.submit(build, each, work) for each, work in works.items()}
        finally:
            for double in doubles:
                double.terminate()
                double.wait()


@pytest.fixture
def here(environment: str, built: dict[str, Future[Built]]) -> Built:
    """The ground of the environment that the test is about."""
    return built[environment].result()
