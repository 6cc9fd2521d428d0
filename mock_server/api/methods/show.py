"""The methods show and delete, and how every method finds the record that a call names.

Pure functions of a world, the values of a call and the session it is made in. Sources: the pages
GET webhook_requests/show and POST webhook_requests/delete, R9.0.0 and later. The other two methods
have modules of their own: ``listing`` and ``resending``.
"""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.mock_server.protocol.errors import UnknownWebhookRequest
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Identifier
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.store.records import Key, Record
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session

Values = Mapping[str, Any]
IDENTIFIER = REQUEST_IDENTIFIER


def show(world: Epoch, values: Values, session: Session) -> Response:
    """Return one webhook request. Raises UnknownWebhookRequest."""
    del session
    identifier: Identifier = values[IDENTIFIER]
    body = world.store.body(_key(identifier), identifier.value)
    if body is None:
        raise unknown(identifier)
    answer = world.responses.record(body, values.get("fields_set"))
    answer.before = answer.after = body
    return answer


def delete(world: Epoch, values: Values, session: Session) -> Response:
    """Delete a webhook request of either state and return it as it last was.

    Raises:
        UnknownWebhookRequest: there is none.
    """
    del session
    identifier: Identifier = values[IDENTIFIER]
    record = world.store.delete(_key(identifier), identifier.value)
    if record is None:
        raise unknown(identifier)
    answer = world.responses.record(record.body, values.get("fields_set"))
    answer.before = record.body
    return answer


def _key(identifier: Identifier) -> Key:
    return "number" if identifier.field == "number" else "id"


def find(world: Epoch, identifier: Identifier) -> Record:
    """Return the record that ``identifier`` names. Raises UnknownWebhookRequest."""
    record = world.store.get(_key(identifier), identifier.value)
    if record is None:
        raise unknown(identifier)
    return record


def unknown(identifier: Identifier) -> UnknownWebhookRequest:
    """Return the error that says that there is no such record."""
    return UnknownWebhookRequest(
        f"{IDENTIFIER}.{identifier.field}",
        seen=quoted(identifier.value),
        allowed=f"the {identifier.field} of a webhook request that exists",
    )
