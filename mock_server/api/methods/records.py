"""The methods show and delete, and the search for the record that a request names.

Sources: GET webhook_requests/show and POST webhook_requests/delete, R9.0.0 and later.
"""

import orjson

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Identifier, Values
from crmcom_kit.mock_server.protocol.response import Response, compact_json
from crmcom_kit.mock_server.store.records import Record, key_of
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session


def show(epoch: Epoch, values: Values) -> Response:
    """Return one webhook request.

    Raises:
        VendorError: it does not exist (unknown_webhook_request).
    """
    identifier: Identifier = values[REQUEST_IDENTIFIER]
    body = find(epoch.store, identifier).body
    response = epoch.config.responses.record(body, values.get("fields_set"), "show")
    response.before = response.after = body
    return response


def delete(epoch: Epoch, values: Values, session: Session) -> Response:
    """Delete a webhook request in any state, and return its last content.

    Raises:
        VendorError: it does not exist (unknown_webhook_request).
    """
    identifier: Identifier = values[REQUEST_IDENTIFIER]
    record = epoch.store.delete(key_of(identifier.field), identifier.value)
    if record is None:
        raise unknown_record(epoch.store, identifier)
    body = record.body
    changed_body = epoch.apply_change("delete", body, session) if record.is_recorded else None
    if changed_body is not None:
        body = compact_json(changed_body)
    elif epoch.config.dialect["delete.updates_log"]:
        members = orjson.loads(body)
        log = members.get("log_information")
        log = log if isinstance(log, dict) else {}  # imported data may have any value here
        members["log_information"] = epoch.update_log(log, session)
        body = compact_json(members)
    response = epoch.config.responses.record(body, values.get("fields_set"), "delete")
    response.dials += ("delete.updates_log",)
    response.before = record.body
    return response


def find(store: Store, identifier: Identifier) -> Record:
    """Return the record that ``identifier`` names. Raises VendorError (unknown_webhook_request)."""
    record = store.get(key_of(identifier.field), identifier.value)
    if record is None:
        raise unknown_record(store, identifier)
    return record


def unknown_record(store: Store, identifier: Identifier) -> VendorError:
    """Return the error for a record that does not exist, or was deleted."""
    field, value = identifier
    is_deleted = store.ever_existed(key_of(field), value)
    return VendorError(
        "unknown_webhook_request",
        f"{REQUEST_IDENTIFIER}.{field}",
        variant="deleted_webhook_request" if is_deleted else "",
        value=value,
        allowed=f"the {field} of an existing webhook request",
    )
