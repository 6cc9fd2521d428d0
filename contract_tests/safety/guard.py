"""The guard that keeps changes within the scope of a run."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from crmcom_kit.contract_tests.belief.interpretations import Identifier
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.calls import build, changing_method
from crmcom_kit.contract_tests.client.errors import Withheld
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import Client
from crmcom_kit.contract_tests.oracle.parsing import FIELDS, IDENTIFIER, identifying_values
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.templates import Scene
from crmcom_kit.schemas.methods import Method

#: Calls a method with the run's token, and returns the exchange.
CallMethod = Callable[[str, Mapping[str, Any]], Exchange]


class Guard:
    """Looks at each request that may change something, before it is sent.

    A webhook request out of scope is never named to resend or delete. Nobody can tell what a server
    does with a request that is not documented. So under a scope a request passes only if it is
    written as documented, with one identifier: that of a webhook request in scope, as the server
    showed it last, or ``Scene.nowhere``, which names nothing.

    If everything may be changed, any request passes. In both cases a value that names nothing known
    is looked up first, by the same field: the id of one may be the number of another. If it does
    name a webhook request, the request is not sent.
    """

    def __init__(
        self,
        scene: Scene,
        client: Client,
        call: CallMethod,
        ledger: Ledger | None = None,
        *,
        may_find_more: bool = False,
    ) -> None:
        """Guard what ``client`` sends.

        Args:
            scene: what is known, and the scope.
            client: sends the requests.
            call: looks webhook requests up.
            ledger: gets the webhook requests that are about to be changed.
            may_find_more: whether a value may be sent that turns out to name a webhook request in
                scope. A run must not send it: it takes the value for one that names nothing.
        """
        self._scene, self._client, self._call = scene, client, call
        self._ledger = ledger
        self._may_find_more = may_find_more
        #: Webhook requests, by field and value.
        self._looked_up: dict[tuple[str, str], list[Record]] = {}
        self.touched_records: dict[str, Record] = {}  # by id: a changing request has named them
        self.unclear_ids: set[str] = set()  # of those whose fate no response has shown
        self._new_unclear_ids: set[str] = set()

    def __call__(self, call: Call) -> None:
        """Let ``call`` pass.

        Raises:
            Withheld: it might leave the scope, or reach what the run does not know.
            LedgerFailed: what it may change cannot be written down.
        """
        may_change_all = self._scene.scope.everything
        records = self._all_named(call) if may_change_all else self._one_in_scope(call)
        for record in records:
            if record["id"] not in self.touched_records:
                if self._ledger is not None:  # first, since a touched one passes from then on
                    tracked_record = self._scene.belief.records.by_id.get(record["id"])
                    full_record = record
                    if tracked_record is not None and tracked_record.condensed is record:
                        full_record = tracked_record.whole
                    self._ledger.note(full_record, changing_method(call) or call.method)
                self.touched_records[record["id"]] = record
        is_sent = self._client.left != 0 and self._client.seconds_left > 0
        self._new_unclear_ids = {record["id"] for record in records if is_sent} - self.unclear_ids
        self.unclear_ids |= self._new_unclear_ids

    def note_response(self, exchange: Exchange) -> None:
        """Record the response to the request that passed last: it may show what was done.

        It stays open if no response comes, or one without an envelope and a status from 500 on.
        """
        if exchange.envelope or 400 <= exchange.status < 500:
            self.unclear_ids -= self._new_unclear_ids

    def _one_in_scope(self, call: Call) -> list[Record]:
        """Return the webhook request that a documented request names, if any. Raises Withheld."""
        scene, method = self._scene, changing_method(call) or ""
        identifier = documented_identifier(call, scene.methods.get(method))
        if identifier is not None:
            field, value = identifier
            if value == scene.nowhere[field] and not self._look_up(field, value):
                return []
            if self._may_find_more:
                self._look_up(field, value)
            if value in scene.belief.records.shared_numbers:
                msg = f"{value} is the number of several webhook requests, so it is not sent"
                raise Withheld(msg)
            records = self._known(value)
            for record in records:
                if record not in scene.scope:
                    msg = f"number {record.get('number')} is out of scope, so it is not changed"
                    raise Withheld(msg)
            if any(record.get(field) == value for record in records):
                return records
        msg = f"under a scope, {method} gets only documented requests with one identifier, that "
        msg += "of a webhook request in scope; to try others, allow any change with --scope all"
        raise Withheld(msg)

    def _all_named(self, call: Call) -> list[Record]:
        """Return every webhook request that a request may name, however it is written."""
        scene = self._scene
        identifier = documented_identifier(call, scene.methods.get(changing_method(call) or ""))
        values = sorted(_texts(call)) if identifier is None else [identifier[1]]
        records = [record for value in values for record in self._known(value)]
        if self._client.target.is_own:
            return records
        for value in values:
            for field in ("id", "number") if identifier is None else (identifier[0],):
                is_known = scene.belief.records.named(Identifier(field, value)) is not None
                if (field, value) in self._looked_up or not is_known:
                    records += self._look_up(field, value)
        return records

    def _known(self, value: str) -> list[Record]:
        """Return the known webhook requests that have a value as their id or number."""
        records = self._scene.belief.records.condensed.values()
        return [record for record in records if value in (record["id"], record.get("number"))]

    def _look_up(self, field: str, value: str) -> list[Record]:
        """Return what a value names that is unknown in this field. Raises Withheld."""
        if (field, value) not in self._looked_up:
            records = self._call("show", {IDENTIFIER: {field: value}}).records
            self._looked_up[field, value] = [
                record for record in records if isinstance(record.get("id"), str)
            ]
        records = self._looked_up[field, value]
        if records and not self._may_find_more:
            msg = f"the {field} {value} was expected to be unknown, but is that of number "
            msg += f"{records[0].get('number')}, so nothing was sent"
            raise Withheld(msg)
        return records


def documented_identifier(call: Call, method: Method | None) -> tuple[str, str] | None:
    """Return field and value of the identifier of a request that is written as documented.

    None for any other: another verb or path, a query, other headers, members or types, a repeated
    member, an identifier without a field or with several.
    """
    members = _body(call)
    if method is None or not isinstance(members, dict):
        return None
    if build(method, members) != replace(call, method=method.name, parameters=members):
        return None
    identifier, fields = members.get(IDENTIFIER), members.get("fields_set", FIELDS[0])
    if not isinstance(identifier, dict) or len(identifier) != 1:
        return None
    ((field, value),) = identifier.items()
    texts = [value, *(text for name, text in members.items() if name != IDENTIFIER)]
    if not members.keys() <= method.parameters.keys() or field not in ("id", "number"):
        return None
    if not all(isinstance(text, str) for text in texts) or not {*fields.split(",")} <= {*FIELDS}:
        return None
    return field, value


def _texts(call: Call) -> frozenset[str]:
    """Return every text in a request that may name a webhook request."""
    body = _body(call)
    pairs = [*call.parameters.items(), *parse_qsl(call.query, keep_blank_values=True)]
    pairs += body.items() if isinstance(body, dict) else [("", body)]
    return identifying_values(text for name, text in pairs if name not in ("token", "fields_set"))


def _body(call: Call) -> Any:
    """Return the JSON value of a request's body, or None."""
    try:
        return json.loads(call.body or b"null")
    except (ValueError, RecursionError):
        return None
