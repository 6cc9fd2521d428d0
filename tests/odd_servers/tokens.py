"""Servers whose tokens have another form than the mock's, and which take them back."""

import base64
import json
from collections.abc import Callable
from typing import Any

from odd_servers.toolkit import Answer, Asked, Forward, Handle, Memory

LOGINS = ("token", "web_api_key_token")


def with_other_tokens(change: Callable[[Any, Any], str]) -> Handle:
    """Return a server that makes each JSON Web Token anew from its header and claims."""

    def handle(asked: Asked, forward: Forward, memory: Memory) -> Answer:
        real: dict[Any, str] = memory
        token = asked.token
        if asked.method not in LOGINS and isinstance(token, str) and token in real:
            return forward(asked.given(token=real[token]))
        answer = forward(asked)
        if asked.method not in LOGINS or not answer.ok:
            return answer
        token = answer.json["data"]["token"]
        if token.count(".") != 2:  # of a release before R12
            return answer
        header, claims, signature = token.split(".")
        shown = change(_read(header), _read(claims)).replace("SIGNATURE", signature)
        real[shown] = token
        return answer.with_data({"token": shown})

    return handle


def jwt(header: Any, claims: Any) -> str:
    """Return a token; SIGNATURE stands for the signature of the one that it is made from."""
    return f"{_written(header)}.{_written(claims)}.SIGNATURE"


def _written(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _read(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
