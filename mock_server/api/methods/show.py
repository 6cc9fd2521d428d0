"""The method show, and how every method finds the record that a request names.

Source: GET webhook_requests/show, R9.0.0 and later.
"""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Identifier
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.store.records import Record, key_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.usage_errors import quoted

Values = Mapping[str, Any]


def show(epoch: Epoch, values: Values) -> Response:
    """Return one webhook request.

    Raises:
        VendorError: it does not exist (unknown_webhook_request).
    """
    identifier: Identifier = values[REQUEST_IDENTIFIER]
    body = find(epoch, identifier).body
    response = epoch.config.responses.record(body, values.get("fields_set"))
    response.before = response.after = body
    return response


def find(epoch: Epoch, identifier: Identifier) -> Record:
    """Return the record that ``identifier`` names. Raises VendorError (unknown_webhook_request)."""
    record = epoch.store.get(key_of(identifier.field), identifier.value)
    if record is None:
        raise unknown(epoch, identifier)
    return record


def unknown(epoch: Epoch, identifier: Identifier) -> VendorError:
    """Return the error that no such record exists, or exists any more."""
    field, value = identifier
    is_deleted = epoch.store.ever_existed(key_of(field), value)
    return VendorError(
        "unknown_webhook_request",
        f"{REQUEST_IDENTIFIER}.{field}",
        variant="deleted_webhook_request" if is_deleted else "",
        seen=quoted(value),
        allowed=f"the {field} of an existing webhook request",
    )
