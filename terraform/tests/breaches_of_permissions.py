"""Changes by hand to who may do what, each of which breaks a promise of `permissions.py`."""

from __future__ import annotations

import json

from . import permissions
from .breaches import breaks
from .inventory import Inventory, Record

EVERYBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}


def role_of(ground: Inventory, end: str) -> tuple[str, Record]:
    return next((name, role) for name, role in ground.roles.items() if name.endswith(end))


def policy(action: str, resource: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    )


def add_policy(ground: Inventory, end: str, action: str, resource: str) -> object:
    name, _ = role_of(ground, end)
    return ground.account.iam.put_role_policy(
        RoleName=name, PolicyName="by-hand", PolicyDocument=policy(action, resource)
    )


@breaks(permissions.no_policy_allows_a_wildcard_on_everything)
def a_role_that_may_everything(ground: Inventory) -> object:
    return add_policy(ground, "-genomics-team", "s3:*", "*")


@breaks(permissions.of_awss_own_policies_only_these_are_used)
def an_administrator(ground: Inventory) -> object:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    return ground.account.iam.attach_role_policy(RoleName=role_of(ground, "-genomics-team")[0], PolicyArn=arn)


@breaks(permissions.nobody_is_trusted_by_wildcard)
def a_role_for_everybody(ground: Inventory) -> object:
    name, _ = role_of(ground, "-genomics-team")
    return ground.account.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(EVERYBODY))


@breaks(permissions.no_policy_of_a_resource_lets_everybody_in)
def a_repository_for_everybody(ground: Inventory) -> object:
    name = ground.repositories[0]["repositoryName"]
    statement = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "ecr:BatchGetImage"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return ground.account.ecr.set_repository_policy(repositoryName=name, policyText=text)


@breaks(permissions.each_reader_reads_its_own_services_secrets)
def a_reader_without_its_policy(ground: Inventory) -> object:
    name, role = role_of(ground, "-genomics-secrets-reader")
    return [ground.account.iam.delete_role_policy(RoleName=name, PolicyName=each) for each in role["policies"]]


@breaks(permissions.nobody_else_reads_a_services_secrets)
def a_reader_of_both_services(ground: Inventory) -> object:
    """Its own policy allows it; the secret's policy, which names its readers, has to go as well."""
    for arn, secret in permissions.services(ground)["clinical"].items():
        if secret["policy"]["Statement"]:
            ground.account.secretsmanager.delete_resource_policy(SecretId=arn)
    document = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "kms:Decrypt"], "Resource": "*"}
    name, _ = role_of(ground, "-genomics-secrets-reader")
    text = json.dumps({"Version": "2012-10-17", "Statement": [document]})
    return ground.account.iam.put_role_policy(RoleName=name, PolicyName="by-hand", PolicyDocument=text)


@breaks(permissions.no_reader_reads_the_databases_master_password)
def a_reader_of_master_passwords(ground: Inventory) -> object:
    document = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "kms:Decrypt"], "Resource": "*"}
    name, _ = role_of(ground, "-genomics-secrets-reader")
    text = json.dumps({"Version": "2012-10-17", "Statement": [document]})
    return ground.account.iam.put_role_policy(RoleName=name, PolicyName="by-hand", PolicyDocument=text)


@breaks(permissions.readers_are_taken_by_the_controller_alone_and_with_its_tags)
def a_reader_that_the_team_may_take(ground: Inventory) -> object:
    name, reader = role_of(ground, "-genomics-secrets-reader")
    _, team = role_of(ground, "-genomics-team")
    statement = {"Effect": "Allow", "Principal": {"AWS": team["arn"]}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [*reader["trust"]["Statement"], statement]}
    return ground.account.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))


@breaks(permissions.the_controller_of_secrets_reads_none_itself)
def a_controller_that_reads(ground: Inventory) -> object:
    return add_policy(ground, "-external-secrets", "secretsmanager:GetSecretValue", "*")
