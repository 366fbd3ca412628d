"""What IAM would answer, from the statements of policies: enough of its rules for the policies of this ground.

The order is AWS's: a Deny wins, then an Allow of the identity's or of the resource's policy, and else it is no. An
operator of a condition that is not known here raises, so that no policy is taken for read that was not.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """Who wants to do what to which resource, and what else is known; names of the context in lower case."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict)

    def known(self) -> Mapping[str, str | list[str]]:
        always = {"aws:principalarn": self.principal, "aws:securetransport": "true"}
        return always | {name.lower(): value for name, value in self.context.items()}


def several(value: Any) -> list[Any]:
    """JSON of policies writes one thing without the list."""
    return [] if value is None else value if isinstance(value, list) else [value]


def read(document: str | Policy) -> Policy:
    found: Policy = json.loads(document) if isinstance(document, str) else document
    return found


def statements(policies: Iterable[str | Policy]) -> Iterator[Policy]:
    for policy in policies:
        yield from several(read(policy).get("Statement"))


def like(value: str, pattern: str) -> bool:
    """`*` and `?` as IAM reads them; brackets are letters to it."""
    return fnmatch.fnmatchcase(value, re.sub(r"\[", "[[]", pattern))


def filled(pattern: str, known: Mapping[str, str | list[str]]) -> str:
    """Policy variables: `${aws:PrincipalTag/service}` is what the context says, and matches nothing where it is silent."""

    def value(match: re.Match[str]) -> str:
        if match[1] in {"*", "?", "$"}:
            return match[1]
        found = known.get(match[1].lower(), "\0")
        return found if isinstance(found, str) else "\0"

    return re.sub(r"\$\{([^}]*)\}", value, pattern)


Compare = Callable[[str, str], bool]
OPERATORS: dict[str, Compare] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
}
OPPOSITES = {
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def meets(operator: str, name: str, wanted: list[str], known: Mapping[str, str | list[str]]) -> bool:
    """One line of a condition."""
    quantifier, _, rest = operator.rpartition(":")
    optional = rest.endswith("IfExists")
    plain = rest.removesuffix("IfExists")
    present = name.lower() in known
    if plain == "Null":
        return present is (wanted[0].lower() == "false")
    compare = OPERATORS[OPPOSITES.get(plain, plain)]
    values = [str(value) for value in several(known.get(name.lower()))]
    if not values:
        # Without a value a negated operator holds, and so does ForAllValues.
        return optional or plain in OPPOSITES or quantifier == "ForAllValues"
    patterns = [filled(str(each), known) for each in wanted]
    found = [any(compare(value, pattern) for pattern in patterns) for value in values]
    if plain in OPPOSITES:
        found = [not each for each in found]
    return all(found) if quantifier == "ForAllValues" else any(found)


def holds(conditions: Mapping[str, Mapping[str, Any]], known: Mapping[str, str | list[str]]) -> bool:
    return all(
        meets(
            operator, name, [str(each).lower() if isinstance(each, bool) else each for each in several(wanted)], known
        )
        for operator, lines in conditions.items()
        for name, wanted in lines.items()
    )


def names_principal(statement: Policy, principal: str) -> bool:
    """Whether a resource's statement is about who asks; that of an identity names nobody."""
    if "NotPrincipal" in statement:
        return not is_one_of(statement["NotPrincipal"], principal)
    return "Principal" not in statement or is_one_of(statement["Principal"], principal)


def is_one_of(principals: Any, principal: str) -> bool:
    if principals == "*":
        return True
    account = principal.split(":")[4] if principal.startswith("arn:") else ""
    for each in (one for kind in principals.values() for one in several(kind)):
        if each in {"*", principal, account} or (account and each.endswith(f"::{account}:root")):
            return True
    return False


def applies(statement: Policy, request: Request) -> bool:
    known, action = request.known(), request.action.lower()
    if "NotAction" in statement:
        acts = not any(like(action, each.lower()) for each in several(statement["NotAction"]))
    else:
        acts = any(like(action, each.lower()) for each in several(statement.get("Action")))
    if "NotResource" in statement:
        reaches = not any(like(request.resource, filled(each, known)) for each in several(statement["NotResource"]))
    else:
        # A trust policy has no resource: it is the role's own.
        reaches = any(like(request.resource, filled(each, known)) for each in several(statement.get("Resource", "*")))
    return (
        acts
        and reaches
        and names_principal(statement, request.principal)
        and holds(statement.get("Condition", {}), known)
    )


def allowed(request: Request, identity: Iterable[str | Policy], resource: Iterable[str | Policy] = ()) -> bool:
    """Whether, within one account, the policies of who asks and of what is asked for let it happen."""
    own, its = list(statements(identity)), list(statements(resource))
    if any(each["Effect"] == "Deny" and applies(each, request) for each in own + its):
        return False
    if any(each["Effect"] == "Allow" and applies(each, request) for each in own):
        return True
    return any(each["Effect"] == "Allow" and names_alone(each, request) and applies(each, request) for each in its)


def names_alone(statement: Policy, request: Request) -> bool:
    """A resource's policy that names the account leaves it to the identity's; only one that names the role gives."""
    principals = statement.get("Principal", {})
    if principals == "*":
        return True
    return any(each in {"*", request.principal} for kind in principals.values() for each in several(kind))


def trusts(document: str | Policy, principal: str, action: str, context: Mapping[str, str | list[str]]) -> bool:
    """Whether a role's trust policy lets that principal (an ARN, a service or a provider) do that to it."""
    request = Request(principal, action, "*", context)
    found = [each for each in statements([document]) if applies(each, request)]
    return bool(found) and all(each["Effect"] == "Allow" for each in found)
