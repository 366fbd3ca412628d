"""The evaluator of policies against what IAM's own documentation says of each rule."""

from __future__ import annotations

from typing import Any

import pytest

from .permissions import too_wide, wide_trust
from .statements import Request, allowed, like, trusts

ROLE = "arn:aws:iam::111122223333:role/reader"
ASKED_FOR = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/service-AbCdEf"
READ = "secretsmanager:GetSecretValue"


def policy(effect: str = "Allow", action: Any = READ, resource: Any = ASKED_FOR, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": resource} | more}


def may(*identity: dict[str, Any], resource: tuple[dict[str, Any], ...] = (), **context: Any) -> bool:
    known = {name.replace("__", ":"): value for name, value in context.items()}
    return allowed(Request(ROLE, READ, ASKED_FOR, known), identity, resource)


def test_what_nobody_allows_is_denied() -> None:
    assert not may()


def test_a_statement_allows_its_action_on_its_resource() -> None:
    assert may(policy())
    assert not may(policy(action="secretsmanager:DescribeSecret"))
    assert not may(policy(resource=ASKED_FOR.replace("genomics", "clinical")))


@pytest.mark.parametrize("action", ["*", "secretsmanager:*", "secretsmanager:Get*", "SecretsManager:getsecretvalue"])
def test_actions_have_wildcards_and_no_case(action: str) -> None:
    assert may(policy(action=["s3:GetObject", action]))


def test_resources_have_wildcards_and_case() -> None:
    assert may(policy(resource="arn:aws:secretsmanager:*:111122223333:secret:careway-dev/genomics/*"))
    assert not may(policy(resource="arn:aws:secretsmanager:*:111122223333:secret:Careway-Dev/genomics/*"))


def test_a_deny_wins_wherever_it_stands() -> None:
    assert not may(policy(), policy("Deny", "*", "*"))
    assert not may(policy(), resource=(policy("Deny", Principal="*"),))


def test_not_action_and_not_resource_are_all_the_others() -> None:
    everything_else = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::*"}
    assert may({"Statement": [everything_else]})
    assert not may({"Statement": [everything_else | {"NotAction": "secretsmanager:*"}]})


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "holds"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a*", "ab", False),
        ("StringLike", "a*", "ab", True),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("ArnLike", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", True),
        ("Bool", "true", "true", True),
        ("Bool", "false", "true", False),
        ("NumericLessThan", "3600", "900", True),
        ("Null", "true", "there", False),
        ("Null", "false", "there", True),
        ("StringEqualsIfExists", "a", "b", False),
        ("ForAnyValue:StringEquals", "a", ["a", "b"], True),
        ("ForAllValues:StringEquals", "a", ["a", "b"], False),
    ],
)
def test_a_condition_holds_by_its_operator(operator: str, wanted: Any, value: Any, holds: bool) -> None:
    assert may(policy(Condition={operator: {"kms:ViaService": wanted}}), kms__viaservice=value) is holds


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("ForAllValues:StringEquals", True),
    ],
)
def test_a_condition_on_what_is_not_known(operator: str, holds: bool) -> None:
    assert may(policy(Condition={operator: {"aws:PrincipalTag/service": "genomics"}})) is holds


def test_an_operator_that_is_not_known_is_no_guess() -> None:
    with pytest.raises(KeyError):
        may(policy(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), aws__sourceip="10.0.0.1")


def test_a_variable_is_what_the_context_says() -> None:
    own = policy(resource="arn:aws:secretsmanager:*:*:secret:careway-dev/${aws:PrincipalTag/service}/*")
    for service in ("genomics", "clinical"):
        request = Request(ROLE, READ, ASKED_FOR, {"aws:PrincipalTag/service": service})
        assert allowed(request, [own]) is (service == "genomics")
    assert not may(own)


def test_a_resources_policy_gives_to_the_role_and_leaves_the_account_to_its_policies() -> None:
    assert may(resource=(policy(Principal={"AWS": ROLE}),))
    assert not may(resource=(policy(Principal={"AWS": "arn:aws:iam::111122223333:root"}),))
    assert not may(resource=(policy(Principal={"AWS": "arn:aws:iam::111122223333:role/other"}),))


def test_a_deny_of_all_but_the_readers() -> None:
    others = policy("Deny", Principal="*", Condition={"ArnNotEquals": {"aws:PrincipalArn": [ROLE]}})
    assert may(policy(), resource=(others,))
    others["Statement"]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] = ["arn:aws:iam::111122223333:role/other"]
    assert not may(policy(), resource=(others,))


def test_brackets_are_letters() -> None:
    assert like("a[b]", "a[b]")
    assert not like("ab", "a[b]")


def test_trust_is_of_whom_it_names() -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ROLE}}]}
    assert trusts(document, ROLE, "sts:AssumeRole", {})
    assert not trusts(document, ROLE, "sts:TagSession", {})
    assert not trusts(document, "arn:aws:iam::111122223333:role/other", "sts:AssumeRole", {})


@pytest.mark.parametrize(
    ("statement", "wide"),
    [
        ({"Action": "s3:*", "Resource": "*"}, True),
        ({"Action": ["s3:GetObject", "s3:List*"], "Resource": ["arn:aws:s3:::a", "*"]}, True),
        ({"Action": "ec2:DescribeInstances", "Resource": "*"}, False),
        ({"Action": "s3:Get*", "Resource": "arn:aws:s3:::a/*"}, False),
        ({"NotAction": "iam:*", "Resource": "arn:aws:s3:::a"}, True),
    ],
)
def test_too_wide_is_a_wildcard_on_everything(statement: dict[str, Any], wide: bool) -> None:
    assert too_wide(statement) is wide


@pytest.mark.parametrize(
    ("statement", "wide"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::1:role/a", "*"]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::1:role/a"}}, False),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, False),
        ({"Principal": {"Federated": "p"}, "Condition": {"StringEquals": {"p:aud": "sts"}}}, True),
        ({"Principal": {"Federated": "p"}, "Condition": {"StringEquals": {"p:aud": "sts", "p:sub": "repo:a"}}}, False),
        (
            {
                "Principal": {"Federated": "p"},
                "Condition": {"StringEquals": {"p:aud": "a", "p:sub": "b"}, "StringLike": {"p:sub": "repo:*"}},
            },
            True,
        ),
    ],
)
def test_wide_trust_names_nobody_in_particular(statement: dict[str, Any], wide: bool) -> None:
    assert bool(list(wide_trust(statement))) is wide
