"""What an account is prepared with before its first environment: built on a double too, and held to the same promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import permissions, promises
from .account import Account
from .ground import Ground, start_double
from .inventory import Inventory
from .promises import Promise

REGION = "eu-central-1"
VALUES = (f"-var=region={REGION}", '-var=github={repository="example/careway"}')
ASKED = (
    promises.the_keys_are_ours_and_rotate,
    promises.everything_that_holds_data_is_encrypted_by_our_keys,
    promises.buckets_are_closed_versioned_and_spoken_to_over_tls,
    promises.there_is_no_user_and_so_no_key_of_one,
    permissions.nobody_is_trusted_by_wildcard,
    permissions.no_policy_of_a_resource_lets_everybody_in,
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    work = tmp_path_factory.mktemp("bootstrap")
    process, endpoint = start_double("111122223333", work / "double.log")
    ground = Ground("bootstrap", work, endpoint)
    ground.copy()
    ground.apply(*VALUES)
    yield ground
    process.terminate()
    process.wait()


def test_a_second_plan_finds_nothing(prepared: Ground) -> None:
    prepared.terraform("plan", "-input=false", "-no-color", "-detailed-exitcode", *VALUES)


@pytest.mark.parametrize("promise", ASKED, ids=[each.__name__ for each in ASKED])
def test_it_is_kept(prepared: Ground, promise: Promise) -> None:
    inventory = Inventory(Account(prepared.endpoint, REGION))
    assert inventory.buckets
    assert list(promise(inventory)) == []
