"""The account that the double plays: its regions, who was there before the ground, and clients to ask it."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

import boto3

REPLICA_REGION = "eu-west-1"
# Whom the values of the environments name: they are people's roles, and no part of the ground.
PEOPLE = ("platform-engineers", "genomics-engineers", "clinical-engineers")
NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})
SESSION = boto3.Session(aws_access_key_id="made-up", aws_secret_access_key="made-up")


@dataclass(frozen=True)
class Account:
    endpoint: str
    region: str

    def __getattr__(self, service: str) -> Any:
        return self.client(service)

    @functools.cache  # noqa: B019 - an account lives as long as its tests
    def client(self, service: str, region: str = "") -> Any:
        """Made once: a client costs a tenth of a second."""
        return SESSION.client(service, region_name=region or self.region, endpoint_url=self.endpoint)


def before_the_ground(account: Account) -> None:
    for role in PEOPLE:
        account.iam.create_role(RoleName=role, AssumeRolePolicyDocument=NOBODY)
