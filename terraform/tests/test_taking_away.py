"""Destroyed, an environment leaves the account as it was."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from .census import census
from .conftest import ENVIRONMENTS, Built

# By design: the last state of a database that production took away. RDS's own backups go with it on AWS after a while.
STAYS = {"dev": (), "production": ("rds DBSnapshots", "rds DBInstanceAutomatedBackups")}


@pytest.fixture(scope="module")
def destroyed(built: dict[str, Future[Built]]) -> dict[str, Future[None]]:
    """All at once: the provider waits for the databases by fixed times."""
    pool = ThreadPoolExecutor(len(built))

    def destroy(here: Built) -> None:
        for database in here.inventory.databases:
            # A hand has to do this first where the environment protects them.
            name = database["DBInstanceIdentifier"]
            here.account.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
        here.ground.destroy()

    return {each: pool.submit(destroy, future.result()) for each, future in built.items()}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_is_left(here: Built, environment: str, destroyed: dict[str, Future[None]]) -> None:
    destroyed[environment].result()
    left = census(here.account) - here.before
    assert {each for each in left if not each.partition(" ")[2].startswith(STAYS[environment] or "\0")} == set()
