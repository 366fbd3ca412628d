"""Where a wrap is put in: moto finds an operation by a method's name on the service's response class."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from moto.core.responses import BaseResponse

Method = Callable[..., Any]


def around(owner: type, name: str) -> Callable[[Method], Method]:
    """Decorates what takes the place of `owner.name`; it is given the original first, then what that was called with."""

    def put(wrap: Method) -> Method:
        original = getattr(owner, name)

        @functools.wraps(original)
        def method(self: Any, *words: Any, **named: Any) -> Any:
            return wrap(original, self, *words, **named)

        setattr(owner, name, method)
        return wrap

    return put


def operation(owner: type) -> Callable[[Method], Method]:
    """Decorates an operation that moto lacks; its name is the operation's, in snake case."""

    def put(method: Method) -> Method:
        if hasattr(owner, method.__name__):
            raise TypeError(f"moto knows {owner.__name__}.{method.__name__} by now: wrap it, or take the wrap away.")
        setattr(owner, method.__name__, method)
        return method

    return put


def asked(response: BaseResponse) -> dict[str, Any]:
    """The members of a JSON body, and those of the path."""
    body = json.loads(response.body) if response.body else {}
    return {**response.uri_match, **body}
