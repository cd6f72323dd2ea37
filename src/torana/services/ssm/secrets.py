"""Secret values: sealed by the gateway, or under a key of KMS that the caller may use."""

import base64
from typing import Any

import msgspec

from torana.message import Headers, Reply, Request
from torana.message import read as read_body
from torana.services.ports import Call
from torana.services.reach import Reach
from torana.services.seal import KeyFile
from torana.services.ssm.records import Json, arn
from torana.wire.faults import ServiceError

OWN_KEY = "alias/aws/ssm"
"""The service's own, which every caller may use."""
_LONGEST = 1024 * 1024


class Secrets:
    """Closes values, and opens them."""

    def __init__(self, seal: KeyFile, reach: Reach) -> None:
        self._seal, self._reach = seal, reach

    async def close(self, call: Call, name: str, value: str, key: str) -> str:
        """Raises the service's error for a key that cannot be used."""
        if key == OWN_KEY:
            return self._seal.close(value.encode())
        text = base64.b64encode(value.encode()).decode()
        out = await self._ask(call, "Encrypt", name, KeyId=key, Plaintext=text)
        return out["CiphertextBlob"]

    async def open(self, call: Call, name: str, version: Json) -> str:
        """Raises the service's error for a key that cannot be used."""
        if version["KeyId"] == OWN_KEY:
            return self._seal.open(version["Secret"]).decode()
        out = await self._ask(call, "Decrypt", name, CiphertextBlob=version["Secret"])
        return base64.b64decode(out["Plaintext"]).decode()

    async def _ask(self, call: Call, operation: str, name: str, **params: Any) -> Json:
        """KMS, as the caller: whoever may not use the key may not have the value."""
        context = {"PARAMETER_ARN": arn(call, name)}
        body = msgspec.json.encode({**params, "EncryptionContext": context})
        fields = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", f"TrentService.{operation}"),
        ]
        request = Request("POST", "/", Headers(fields), body)
        reply = await self._reach.call("kms", request, 30.0, call.principal, call.region)
        answer = await _read(reply)
        if reply.status != 200:
            code = str(answer.get("__type", "")).rpartition("#")[2]
            said = str(answer.get("message") or answer.get("Message") or "")
            if code == "AccessDeniedException":
                raise ServiceError(code, said, status=400)
            raise ServiceError("InvalidKeyId", said or code, status=400)
        return answer


async def _read(reply: Reply) -> Json:
    return msgspec.json.decode(await read_body(reply.body, _LONGEST), type=dict[str, Any])
