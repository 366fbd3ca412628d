"""KMS. moto knows that a key rotates, and not how often."""

from __future__ import annotations

import json

from moto.kms.responses import KmsResponse

from .seams import Method, around, asked

DAYS = 365


@around(KmsResponse, "enable_key_rotation")
def enable_key_rotation(original: Method, response: KmsResponse) -> str:
    answer: str = original(response)
    key = response.kms_backend.keys[response.kms_backend.get_key_id(asked(response)["KeyId"])]
    key.rotation_days = asked(response).get("RotationPeriodInDays", DAYS)
    return answer


@around(KmsResponse, "get_key_rotation_status")
def get_key_rotation_status(original: Method, response: KmsResponse) -> str:
    status = json.loads(original(response))
    key = response.kms_backend.keys[response.kms_backend.get_key_id(asked(response)["KeyId"])]
    return json.dumps(status | ({"RotationPeriodInDays": key.rotation_days} if status["KeyRotationEnabled"] else {}))
