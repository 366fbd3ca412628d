"""The double itself: what its forks and its wraps are for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.eks.responses import EKSResponse

from .account import SESSION, Account
from .conftest import Built
from .double.seams import around, operation
from .ground import Ground, start_double


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    work = tmp_path_factory.mktemp("double")
    process, endpoint = start_double("111122223333", work / "double.log")
    yield Built(Ground("dev", work, endpoint), Account(endpoint, "eu-central-1"), set())
    process.terminate()
    process.wait()


def test_what_is_changed_on_a_fork_is_changed_nowhere_else(double: Built) -> None:
    double.account.sns.create_topic(Name="before")
    with double.fork() as (_, account):
        account.sns.create_topic(Name="by-hand")
        assert len(account.sns.list_topics()["Topics"]) == 2
    assert len(double.account.sns.list_topics()["Topics"]) == 1


def test_who_asks_is_a_role(double: Built) -> None:
    assert ":assumed-role/platform-engineers/" in double.account.sts.get_caller_identity()["Arn"]


def test_a_wrap_is_refused_once_moto_knows_the_operation() -> None:
    def describe_cluster(response: EKSResponse) -> None: ...

    with pytest.raises(TypeError, match="moto knows"):
        operation(EKSResponse)(describe_cluster)


def test_a_wrap_is_given_what_it_wraps() -> None:
    class Kept:
        def value(self, plus: int) -> int:
            return 1 + plus

    around(Kept, "value")(lambda original, kept, plus: 10 * original(kept, plus))
    assert Kept().value(2) == 30


def test_a_request_that_is_sent_again_is_not_done_twice(double: Built) -> None:
    client = SESSION.client("secretsmanager", region_name="eu-central-1", endpoint_url=double.account.endpoint)

    def the_same(request: Any, **_: object) -> None:
        request.headers["amz-sdk-invocation-id"] = "11111111-2222-3333-4444-555555555555"

    client.meta.events.register("before-send", the_same)
    first, second = (client.create_secret(Name="once", SecretString="made-up") for _ in range(2))
    assert first["ARN"] == second["ARN"]
