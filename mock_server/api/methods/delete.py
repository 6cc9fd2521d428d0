"""The method delete. Source: POST webhook_requests/delete, R9.0.0 and later."""

import orjson

from crmcom_kit.mock_server.api.methods.show import Values, unknown
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Identifier
from crmcom_kit.mock_server.protocol.response import Response, compact_json
from crmcom_kit.mock_server.store.records import key_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session


def delete(epoch: Epoch, values: Values, session: Session) -> Response:
    """Delete a webhook request in any state, and return it as it last was.

    Raises:
        VendorError: it does not exist (unknown_webhook_request).
    """
    identifier: Identifier = values[REQUEST_IDENTIFIER]
    record = epoch.store.delete(key_of(identifier.field), identifier.value)
    if record is None:
        raise unknown(epoch, identifier)
    body = record.body
    learned = epoch.changed_by("delete", body, session) if record.is_recorded else None
    if learned is not None:
        body = compact_json(learned)
    elif epoch.config.dialect["delete.updates_log"]:
        shown = orjson.loads(body)
        log = shown.get("log_information")
        log = log if isinstance(log, dict) else {}  # an instance may show what it likes
        shown["log_information"] = epoch.updated_log(log, session)
        body = compact_json(shown)
    response = epoch.config.responses.record(body, values.get("fields_set"))
    response.dials += ("delete.updates_log",)
    response.before = record.body
    return response
