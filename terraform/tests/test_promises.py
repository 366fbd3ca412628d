"""What the ground promises, read back from the account with boto3; and that each promise is able to fail."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from . import breaches_of_permissions, permissions, tags
from .breaches import BREACHES, Breach
from .conftest import ENVIRONMENTS, Built
from .inventory import Inventory
from .production import PRODUCTION
from .promises import PROMISES, Promise

ASKED = [(environment, promise) for environment in ENVIRONMENTS for promise in PROMISES.values()]
ASKED += [("production", promise) for promise in PRODUCTION.values()]
# Where a breach is tried: a promise that production alone makes is kept there alone.
TRIED = [("production" if promise.__name__ in PRODUCTION else "dev", promise, breach) for promise, breach in BREACHES]


@pytest.mark.parametrize(("environment", "promise"), ASKED, ids=[f"{where}-{what.__name__}" for where, what in ASKED])
def test_it_is_kept(here: Built, promise: Promise) -> None:
    assert here.broken(promise) == []


@pytest.mark.parametrize(
    ("environment", "promise", "breach"), TRIED, ids=[f"{breach.__name__}" for _, _, breach in TRIED]
)
def test_it_can_be_broken(here: Built, promise: Promise, breach: Breach) -> None:
    with here.fork() as (_, account):
        breach(Inventory(account))
        assert set(promise(Inventory(account))) - {*here.broken(promise)}


def test_every_promise_has_a_breach() -> None:
    assert {promise.__name__ for promise, _ in BREACHES} == PROMISES.keys() | PRODUCTION.keys()


def test_every_file_of_promises_and_breaches_is_read() -> None:
    assert {permissions.__name__, tags.__name__} <= {promise.__module__ for promise in PROMISES.values()}
    assert breaches_of_permissions.__name__ in {breach.__module__ for _, breach in BREACHES}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_that_can_have_tags_is_overlooked(here: Built) -> None:
    """What the provider gives tags to is what the promise about tags has read back."""
    found = {what for what, _ in tags.tags(here.inventory)}
    taggable = [each for each in here.ground.resources() if each["values"].get("tags_all")]
    names = ("arn", "id", "access_entry_arn", "association_arn")
    assert [each["address"] for each in taggable if not found & {each["values"].get(name) for name in names}] == []


@pytest.mark.parametrize("environment", ["production"])
def test_a_page_of_the_trail_cannot_be_deleted(here: Built) -> None:
    bucket = here.inventory.trails[0]["S3BucketName"]
    with here.fork() as (_, account):
        # moto asks a policy without its conditions, and would take the refusal of plain HTTP for one of everything.
        account.s3.delete_bucket_policy(Bucket=bucket)
        version = account.s3.put_object(Bucket=bucket, Key="AWSLogs/page.json.gz", Body=b"page")["VersionId"]
        with pytest.raises(ClientError, match="AccessDenied"):
            account.s3.delete_object(Bucket=bucket, Key="AWSLogs/page.json.gz", VersionId=version)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_secret_is_in_the_state(here: Built) -> None:
    state = (here.ground.folder / "terraform.tfstate").read_text(encoding="utf-8")
    for service, secrets in permissions.services(here.inventory).items():
        (arn,) = (arn for arn, each in secrets.items() if each["Name"].endswith(f"/{service}/service"))
        value = json.loads(here.account.secretsmanager.get_secret_value(SecretId=arn)["SecretString"])["secret-key"]
        assert len(value) >= 50
        assert value not in state
