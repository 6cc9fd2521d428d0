"""What is known of a server: its webhook requests as they were last seen, tokens, and changes.

One memory for everything that is checked. It knows what responses have shown and what requests
may have changed; it sends nothing. A webhook request that was sent again and is still REJECTED
may be queued, and change later: it is *unsettled*, and only what sending again must keep is
compared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.checks.interpretations import OBJECT_OF, Named
from crmcom_kit.contract_tests.checks.knowledge import IDENTITY, differ, merged
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.schemas.releases import Release

Record = dict[str, Any]  # a webhook request as a response showed it

#: So many webhook requests are known at once, from responses of so many bytes, and none whose id
#: or number has more characters.
MAX_KNOWN, MAX_BYTES, MAX_NAME = 10_000, 32 * 1024 * 1024, 200


class TokenState(Enum):
    """What is known of a token."""

    LIVE = auto()  # a login returned it, and nothing has ended it
    RELEASED = auto()
    UNKNOWN = auto()  # no login returned it
    DOUBTFUL = auto()  # it may be valid or not


class Sight(NamedTuple):
    """One webhook request in one response."""

    record: Record
    method: str
    exchange: Exchange
    whole: bool  # every field was asked for


class Change(NamedTuple):
    """A request of resend or delete that may have changed something."""

    exchange: Exchange
    method: str
    served: bool
    record: str | None  # id of the one that it clearly names, if that is known
    named: frozenset[str]  # ids of all that it may name, in whatever way


@dataclass(frozen=True, slots=True)
class Credentials:
    """What logins of this server are right, as far as it is known."""

    username: str | None = None
    password: str | None = None
    organisation: str | None = None
    api_key: str | None = None


class World:
    """What is known of one server's content, in one run or one recording."""

    def __init__(
        self,
        release: Release,
        *,
        exclusive: bool = False,
        credentials: Credentials | None = None,
        knows_tokens: bool = True,
    ) -> None:
        """Know nothing yet.

        Args:
            release: the release that the server is held to.
            exclusive: nobody else uses the server's content meanwhile.
            credentials: the right ones; None: not known.
            knows_tokens: every login is seen. Otherwise a token counts as valid once it was served.
        """
        self.release = release
        self.exclusive = exclusive
        self.credentials = credentials or Credentials()
        self.knows_tokens = knows_tokens
        self.others: dict[str, str] = {}  # id -> what somebody else did to a webhook request
        self.start()
        self._tokens: dict[str, TokenState] = {}

    def start(self) -> None:
        """Forget all webhook requests: the server has others from now on."""
        self.records: dict[str, Record] = {}
        self.deleted: dict[str, Record] = {}
        self.unsettled: set[str] = set()
        self.changes: list[Change] = []
        self.before_resend: dict[str, Record] = {}
        self.unreliable: set[str] = set()  # members in which show and list were found to differ
        #: entity and entity_id -> number of changes when it was listed, and how many there were
        self.groups: dict[tuple[str, str], tuple[int, int]] = {}
        self.sights: dict[str, dict[str, Sight]] = {}  # id -> method -> the last one
        self._changed_at: dict[str, int] = {}  # id -> number of changes when it was last seen
        self._numbers: dict[str, str] = {}
        self.shared: set[str] = set()  # numbers that several webhook requests have shown
        self._shown: dict[str, set[str]] = {}  # filter -> values that records have shown
        self._bytes = 0  # of responses, for what is known from them

    # Webhook requests.

    def find(self, named: Named | None) -> Record | None:
        """Return the webhook request that an identifier names, or None."""
        if named is None:
            return None
        key = named.value if named.field == "id" else self._numbers.get(named.value, "")
        return self.records.get(key)

    def gone(self, named: Named) -> Record | None:
        """Return the deleted webhook request that an identifier names, or None."""
        for record in self.deleted.values():
            if record.get(named.field) == named.value:
                return record
        return None

    def settled(self, key: str) -> Record:
        """Return what must be seen of a webhook request: of an unsettled one only what stays."""
        record = self.records[key]
        return lasting(record) if key in self.unsettled else record

    def see(self, sight: Sight) -> None:
        """Keep a webhook request as a response has shown it, if it has shown all of it.

        What an earlier response has shown of it, and this one leaves out, is kept as well.
        """
        record, key = sight.record, sight.record["id"]
        if key in self.deleted or not sight.whole or not self._has_room(sight):
            return
        self.sights.setdefault(key, {})[sight.method] = sight
        self._changed_at[key] = len(self.changes)
        if record.get("life_cycle_state") == "SUCCESSFUL":
            self.unsettled.discard(key)
        known = self.records.get(key)
        if known == record:
            return
        if known is not None and not differ(known, record):
            record = merged(known, record)
        self.records[key] = record
        self._learn_values(record)

    def _has_room(self, sight: Sight) -> bool:
        """Whether a webhook request is kept; if not, an earlier sight of it does not count on."""
        record, known = sight.record, self.records.get(sight.record["id"])
        if known == record:
            return True
        names = (record["id"], record.get("number"))
        is_long = any(isinstance(each, str) and len(each) > MAX_NAME for each in names)
        has_room = len(self.records) < MAX_KNOWN and self._bytes < MAX_BYTES
        if is_long or not has_room:
            self.lose(record["id"])
            return False
        self._bytes += len(sight.exchange.content) // max(1, sight.exchange.count)
        return True

    def _learn_values(self, record: Record) -> None:
        number, key = record.get("number"), record["id"]
        if isinstance(number, str):
            earlier = self._numbers.setdefault(number, key)
            if earlier != key:  # which a check has noticed; some servers make up an id each time
                if earlier not in self.deleted:
                    self.shared.add(number)
                self.lose(earlier)
                self._numbers[number] = key
        for name in ("entity_id", "url"):
            if isinstance(record.get(name), str):
                self._shown.setdefault(name, set()).add(record[name])
        for name, member in OBJECT_OF.items():
            inner = record.get(member)
            found = inner if isinstance(inner, dict) else {}
            for field in ("id", "name", "alternative_code"):
                if isinstance(found.get(field), str):
                    self._shown.setdefault(name, set()).add(f"{field}={found[field]}")

    def trusted(self, paths: list[str]) -> list[str]:
        """Return those members of which show and list have told the same so far."""
        return [path for path in paths if path not in self.unreliable]

    def has_shown(self, name: str, wanted: Any) -> bool:
        """Whether a filter's value is one that some webhook request has shown."""
        text = f"{wanted.field}={wanted.value}" if isinstance(wanted, Named) else wanted
        return text in self._shown.get(name, ())

    def change(self, change: Change) -> None:
        """Note a request that may have changed something."""
        self.changes.append(change)

    def unsettle(self, key: str) -> None:
        """Note that a webhook request may change by itself from now on."""
        self.unsettled.add(key)

    def forget(self, key: str) -> None:
        """Move a webhook request to the deleted ones."""
        record = self.records.pop(key, None)
        if record is not None:
            self.deleted[key] = record
            self.unsettled.discard(key)

    def lose(self, key: str) -> None:
        """Forget a webhook request that somebody else has taken away."""
        self.records.pop(key, None)
        self.unsettled.discard(key)
        self.sights.pop(key, None)

    def since_seen(self, key: str) -> list[Change]:
        """Return the changes since a webhook request was last seen whole."""
        return self.changes[self._changed_at.get(key, 0) :]

    # Tokens and logins.

    def token_state(self, token: Any) -> TokenState:
        """Return what is known of a token."""
        if isinstance(token, str) and token in self._tokens:
            return self._tokens[token]
        return TokenState.UNKNOWN if self.knows_tokens else TokenState.DOUBTFUL

    def set_token(self, token: str, state: TokenState) -> None:
        """Note what became known of a token."""
        self._tokens[token] = state

    def login_is_right(self, given: Mapping[str, Any]) -> bool | None:
        """Whether authentication/token must accept these credentials; None if it is not known."""
        known = self.credentials
        if None in (known.username, known.password, known.organisation):
            return None
        right = all(
            given.get(name) == getattr(known, name)
            for name in ("username", "password", "organisation")
        )
        return (None if given.get("unit") else True) if right else False


def lasting(record: Record) -> Record:
    """Return what sending again must keep of a webhook request, however the delivery goes."""
    log = record.get("log_information")
    kept: Record = {name: record[name] for name in IDENTITY if name in record}
    if isinstance(log, dict):  # of whose members IDENTITY has the dotted name
        kept["log_information"] = {name: log[name] for name in ("created_date",) if name in log}
    return kept


def ids_of(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the ids of webhook requests, as far as they have one."""
    return [record["id"] for record in records if isinstance(record.get("id"), str)]
