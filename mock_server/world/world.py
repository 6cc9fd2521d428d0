"""A world: one tenant, its current epoch, and what outlasts a reset."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from crmcom_kit.mock_server.clock import Clock, WorldClock
from crmcom_kit.mock_server.deliveries.attempts import Attempts
from crmcom_kit.mock_server.deliveries.messages import Sender
from crmcom_kit.mock_server.deliveries.queue import DeliveryQueue
from crmcom_kit.mock_server.deliveries.receiver import Receiver
from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.mock_server.faults.registry import Faults
from crmcom_kit.mock_server.journal.journal import MAX_ENTRIES, Journal, JournalBudget
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.store.records import Key, Record
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.import_ import (
    MAX_CONTENT,
    Importer,
    add_entries,
    check_room,
    import_entries,
)
from crmcom_kit.mock_server.world.tokens import Session, Tokens, session_of
from crmcom_kit.mock_server.world.world_file import LocatedEntry
from crmcom_kit.redaction import MASK, MIN_LENGTH, PUBLIC_PASSWORD, Redactor
from crmcom_kit.schemas import Dialect, Release
from crmcom_kit.usage_errors import Conflict, LimitExceeded, NotFound, quoted

if TYPE_CHECKING:
    from crmcom_kit.mock_server.journal.call_view import JournalReader
    from crmcom_kit.mock_server.world.state_file import StateFile

DEFAULT = "default"
MAX_SNAPSHOTS = 100


class Snapshot(NamedTuple):
    """The content of a world as it was saved."""

    content: Store
    ids: Ids
    delivery: Sender


class World:
    """A tenant with its own records, ids, clock, tokens, journal and faults."""

    def __init__(
        self,
        config: Config,
        start: Store,
        *,
        clock: Clock,
        name: str = DEFAULT,
        delivery: Sender | None = None,
        max_entries: int = MAX_ENTRIES,
        delivery_queue: DeliveryQueue | None = None,
        journal_budget: JournalBudget | None = None,
        secrets: frozenset[str] = frozenset(),
    ) -> None:
        """Begin with ``start``, which other worlds may share.

        Args:
            config: release, dialect and what follows from them.
            start: the content it begins with, and has again after a reset.
            clock: the base of its own clock.
            name: its name; under another name the same seed gives other ids and tokens.
            delivery: how webhooks are sent; by default as the dialect's script says.
            max_entries: how many requests its journal keeps.
            delivery_queue: sends queued deliveries; a new queue by default.
            journal_budget: limits the journals of several worlds together; a new one by default.
            secrets: what else is hidden, besides the credentials and the tokens.
        """
        self.name = name
        self.config = config
        self.clock = WorldClock(clock)
        self._base_clock = clock
        self._start = start
        self._delivery = delivery
        self._max_entries = max_entries
        #: Limits the journals of all worlds that are made from one another.
        self.journal_budget = journal_budget or JournalBudget()
        self.delivery_queue = delivery_queue or DeliveryQueue()
        self._lock = threading.Lock()
        self._snapshots: dict[str, Snapshot] = {}
        self._state: StateFile | None = None
        self._given_size = start.size  # of the content that is from the user's files
        self.tokens = self._new_tokens()
        self._secrets = secrets
        #: Hides the secrets of this world.
        self.redactor = _redactor(config, self.tokens, secrets)
        self.current_epoch = self._first_epoch(0, attempts=0)

    def clone(self, name: str) -> "World":
        """Return a world of another name with the content that this one started with."""
        return World(
            self.config,
            self._start,
            clock=self._base_clock,
            name=name,
            delivery=self._delivery,
            max_entries=self._max_entries,
            delivery_queue=self.delivery_queue,
            journal_budget=self.journal_budget,
            secrets=self._secrets,
        )

    def hide(self, secret: str) -> None:
        """Hide one more secret, in the worlds that are made from this one as well."""
        self._secrets |= {secret}
        self.redactor = _redactor(self.config, self.tokens, self._secrets)

    def _new_tokens(self) -> Tokens:
        dialect = self.config.dialect
        return Tokens(
            clock=self.clock,
            # Own ids: tokens outlast a reset, and none may be issued twice.
            ids=self._new_ids(),
            live_at_once=dialect["tokens.live_at_once"],
            renews=dialect["tokens.hour_before_r12"] == "renewed",
            fixed=self._fixed_tokens(self._start),
        )

    def _fixed_tokens(self, content: Store) -> dict[str, Session]:
        session = session_of(self.config, content.reference_data)
        return dict.fromkeys(self.config.fixed_tokens, session)

    def _new_ids(self, drawn: int = 0) -> Ids:
        return Ids(self.config.seed, "" if self.name == DEFAULT else self.name, drawn)

    def _first_epoch(self, number: int, *, attempts: int) -> Epoch:
        """Return an epoch with the content that the world started with."""
        delivery = self._delivery  # any object that sends, a false one as well
        if delivery is None:
            delivery = ScriptedDelivery(self.config.dialect["delivery.script"])
        return Epoch(
            config=self.config,
            name=self.name,
            number=number,
            clock=self.clock,
            tokens=self.tokens,
            delivery_queue=self.delivery_queue,
            initial_content=self._start,
            ids=self._new_ids(),
            delivery=delivery,
            room=self._room,
            journal=Journal(self._max_entries, begun=number, budget=self.journal_budget),
            faults=Faults(self.config, self.clock),
            attempts=Attempts(self.name, last=attempts),
            receiver=Receiver(self.clock),
        )

    def _room(self, content: Store | None) -> float:
        """Return how many bytes may be added to ``content``, or to none, beside the snapshots."""
        sizes = [one.content.size for one in list(self._snapshots.values())]
        saved = sum(max(0, size - self._given_size) for size in sizes)
        return MAX_CONTENT + self._given_size - saved - (content.size if content else 0)

    # Changes of a world as a whole. Each is atomic; a request that began before it stays in the
    # epoch in which it began.

    def reset(self) -> Epoch:
        """Go back to the initial content; return the new epoch.

        Replace records, reference data, ids, journal, faults, delivery attempts, scripts and
        receiver; restart the clock; make fixed tokens valid again. Tokens from logins stay valid,
        and snapshots stay. Raises NotWritten; nothing has changed.
        """
        with self._lock:
            return self._reset()

    def _reset(self) -> Epoch:
        before = self.current_epoch
        epoch = self._first_epoch(before.number + 1, attempts=before.attempts.last)
        self._write_state(epoch)
        self.current_epoch = epoch
        before.end()
        self.clock.restart()
        self.tokens.set_fixed(self._fixed_tokens(self._start))
        self.tokens.restore_fixed()
        return self.current_epoch

    def replace_content(
        self,
        entries: Iterable[LocatedEntry],
        *,
        by_age: bool = True,
        expected_epoch: Epoch | None = None,
    ) -> Epoch:
        """Replace the content with ``entries``, records ``by_age`` or in their order.

        Returns the new epoch.

        Raises:
            DataError: the entries contradict each other; nothing has changed.
            LimitExceeded: there is no room for them; nothing has changed.
            Conflict: ``expected_epoch`` is not the current one; nothing has changed.
        """
        initial_content = import_entries(self.config, entries, by_age=by_age, room=self._room(None))
        with self._lock:
            self._check_epoch(expected_epoch)
            return self._replace(initial_content, self._new_ids(), self.current_epoch.delivery)

    def add(
        self,
        make: Callable[[Epoch], Iterable[LocatedEntry]],
        *,
        expected_epoch: Epoch | None = None,
    ) -> list[Record]:
        """Add the entries that ``make`` returns for the current epoch.

        Returns the webhook requests among them. No other entries are added meanwhile.

        Raises:
            DataError: the entries contradict each other or the content; nothing has changed, nor
                has it if ``make`` raises.
            LimitExceeded: there is no room for them; nothing has changed.
            Conflict: ``expected_epoch`` is not the current one; nothing has changed.
        """
        with self._lock:
            self._check_epoch(expected_epoch)
            epoch = self.current_epoch
            return add_entries(self.config, epoch.store, make(epoch), self._room(epoch.store))

    def replace_record(
        self, before: Record, located: LocatedEntry, *, expected_epoch: Epoch
    ) -> Record | None:
        """Put the webhook request of an entry in place of ``before``, and return it.

        Returns None if ``before`` was changed or deleted meanwhile; nothing has changed then.
        Raises what ``add`` raises.
        """
        with self._lock:
            self._check_epoch(expected_epoch)
            epoch = self.current_epoch
            importer = Importer(self.config, epoch.reference_data)
            record = importer.record(located)
            check_room(self._room(epoch.store) + before.size - record.size)
            replaced = epoch.store.replace(before, record, importer.reference_data)
            return record if replaced else None

    def _check_epoch(self, expected_epoch: Epoch | None) -> None:
        if expected_epoch is not None and expected_epoch is not self.current_epoch:
            now, expected = self.current_epoch.number, expected_epoch.number
            seen = f"epoch {now}, while this call began in epoch {expected}"
            raise Conflict("world", seen=seen, allowed="a call in one epoch; try again")

    def save(self, name: str) -> int:
        """Save the current content under ``name``; return its number of records.

        Raises LimitExceeded.
        """
        with self._lock:
            if name not in self._snapshots and len(self._snapshots) >= MAX_SNAPSHOTS:
                raise LimitExceeded(
                    "snapshot", seen=quoted(name), allowed=f"at most {MAX_SNAPSHOTS}"
                )
            epoch = self.current_epoch
            content = epoch.store.copy()
            check_room(self._room(content) - max(0, content.size - self._given_size))
            kept = Snapshot(content, epoch.ids.clone(), _cloned(epoch.delivery))
            self._snapshots[name] = kept
            return len(content)

    def restore(self, name: str, *, expected_epoch: Epoch | None = None) -> Epoch:
        """Replace the content with a snapshot; return the new epoch.

        Raises NotFound, and Conflict as ``replace_content`` does.
        """
        with self._lock:
            self._check_epoch(expected_epoch)
            kept = self._kept(name)
            delivery = _cloned(kept.delivery)
            return self._replace(kept.content, kept.ids.clone(), delivery)

    def forget(self, name: str) -> None:
        """Remove a snapshot. Raises NotFound."""
        with self._lock:
            self._kept(name)
            del self._snapshots[name]

    def snapshots(self) -> dict[str, int]:
        """The snapshots, in the order in which they were first saved; how many records each has."""
        with self._lock:
            return {name: len(kept.content) for name, kept in self._snapshots.items()}

    def _kept(self, name: str) -> Snapshot:
        kept = self._snapshots.get(name)
        if kept is None:
            allowed = ", ".join(map(quoted, self._snapshots)) or "none, since no snapshot was saved"
            raise NotFound("snapshot", seen=quoted(name), allowed=allowed)
        return kept

    def _replace(self, content: Store, ids: Ids, delivery: Sender) -> Epoch:
        """Begin an epoch with other content; journal, faults and deliveries go on."""
        before = self.current_epoch
        epoch = replace(
            before, number=before.number + 1, initial_content=content, ids=ids, delivery=delivery
        )
        self._write_state(epoch)
        self.tokens.set_fixed(self._fixed_tokens(content))
        self.current_epoch = epoch
        before.over = True
        return self.current_epoch

    def keep(self, state: "StateFile") -> int | None:
        """Go on with the content that ``state`` has, if it has any, and keep the content there.

        Returns how many bytes at the end of the file were ignored; None if it was new.

        Raises:
            DataError: the file cannot be read.
            NotWritten: it cannot be written; then, and whenever that happens to a later change,
                that change is not made.
        """
        with self._lock:
            kept = state.read()
            if kept is not None:
                ids = self._new_ids(kept.drawn)
                self._given_size = max(self._given_size, kept.content.size)
                self._replace(kept.content, ids, self.current_epoch.delivery)
            state.begin(self.current_epoch)
            self._state = state
            return None if kept is None else kept.cut_off

    def end_keeping(self) -> None:
        """Write no more changes to the state file, if there is one, and let others use it."""
        with self._lock:
            if self._state is not None:
                self._state.close()
                self._state = None

    def _write_state(self, epoch: Epoch) -> None:
        """Let the state file have the content of ``epoch``, which is about to be the current."""
        if self._state is not None:
            self._state.begin(epoch)

    # Shortcuts to the current epoch and the config, for tests and the control API.

    @property
    def epoch_number(self) -> int:
        """How many times the content was replaced."""
        return self.current_epoch.number

    @property
    def store(self) -> Store:
        """The records."""
        return self.current_epoch.store

    @property
    def journal(self) -> Journal:
        """The requests since the last reset."""
        return self.current_epoch.journal

    @property
    def reader(self) -> "JournalReader":
        """Builds views of the entries of the journal, without secrets."""
        # Imported when needed: a start takes less time without it.
        from crmcom_kit.mock_server.journal.call_view import JournalReader

        epoch = self.current_epoch
        return JournalReader(
            journal=epoch.journal,
            config=self.config,
            redactor=self.redactor,
            attempts=epoch.attempts,
            faults=epoch.faults,
            find_record=self._find_record,
        )

    def _find_record(self, key: Key, value: str) -> Record | None:
        """Return a record of the current epoch: a reader outlives the epoch that it began in."""
        return self.store.get(key, value)

    @property
    def faults(self) -> Faults:
        """The faults that requests may meet."""
        return self.current_epoch.faults

    @property
    def release(self) -> Release:
        """The release that the world emulates."""
        return self.config.release

    @property
    def dialect(self) -> Dialect:
        """The dialect that the world uses."""
        return self.config.dialect


def _redactor(config: Config, tokens: Tokens, secrets: frozenset[str]) -> Redactor:
    """Return what hides ``secrets``, a world's credentials, and every token that it knows then."""
    credentials = config.credentials
    known = {credentials.api_key, credentials.password, *config.fixed_tokens, *secrets}
    hidden = dict.fromkeys(known - {PUBLIC_PASSWORD}, MASK)
    return Redactor(hidden, is_token=lambda word: len(word) >= MIN_LENGTH and tokens.knows(word))


def _cloned(delivery: Sender) -> Sender:
    """Return an independent copy of a delivery that follows a script; any other delivery itself."""
    return delivery.clone() if isinstance(delivery, ScriptedDelivery) else delivery
