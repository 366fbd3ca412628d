"""Applied once, an environment is as the repository says; what somebody changes by hand is found."""

from __future__ import annotations

import pytest

from .breaches_of_permissions import policy
from .conftest import ENVIRONMENTS, Built

each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


@each_environment
def test_it_is_built_from_an_empty_account(here: Built) -> None:
    managed = [each["address"] for each in here.ground.resources()]
    assert len(managed) > 200
    assert {each["type"] for each in here.ground.resources()} >= {
        "aws_eks_cluster",
        "aws_db_instance",
        "aws_cloudtrail",
    }


@each_environment
def test_a_second_plan_finds_nothing(here: Built) -> None:
    """The double has no gap that a plan would show: each that it had is closed by a wrap."""
    assert here.ground.drift() == []


@pytest.mark.parametrize("environment", ["dev"])
def test_a_change_by_hand_is_found(here: Built) -> None:
    with here.fork() as (ground, account):
        repository = here.inventory.repositories[0]["repositoryName"]
        account.ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="MUTABLE")
        reader = next(name for name in here.inventory.roles if name.endswith("-genomics-secrets-reader"))
        account.iam.put_role_policy(RoleName=reader, PolicyName="by-hand", PolicyDocument=policy("s3:GetObject", "*"))
        found = {each["address"]: each["attributes"] for each in ground.drift()}
    assert [names for address, names in found.items() if ".aws_ecr_repository." in address] == [
        ["image_tag_mutability"]
    ]
    assert [names for address, names in found.items() if "role_policies_exclusive" in address] == [["policy_names"]]
    assert len(found) == 2
