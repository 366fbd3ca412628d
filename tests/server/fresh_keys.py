"""For schemathesis: in a sequence of requests each Idempotency-Key is one that nobody has used.

Hypothesis likes to repeat itself, and the answer that is kept for a key may be of a record that was deleted since.
"""

import re
from typing import Any
from uuid import uuid4

import schemathesis

VALID = re.compile(r"[ -~]{1,128}")  # as chassis/idempotency.py has it


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    key = (case.headers or {}).get("Idempotency-Key")
    if key and case.meta and case.meta.phase.name == "stateful" and VALID.fullmatch(key):
        case.headers["Idempotency-Key"] = str(uuid4())
