"""STS. To moto a caller without a record is a user; here nobody works but as a role, the one of the first administrator."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from .seams import Method, around

ROLE = "platform-engineers"


@around(TokenResponse, "get_caller_identity")
def get_caller_identity(_: Method, response: TokenResponse) -> ActionResult:
    account = response.current_account
    arn = f"arn:{response.partition}:sts::{account}:assumed-role/{ROLE}/double"
    return ActionResult({"UserId": "AROADOUBLE:double", "Account": account, "Arn": arn})
