"""A world: one tenant, its current epoch, and the state that outlasts a reset."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from itertools import chain
from typing import IO, TYPE_CHECKING

from crmcom_kit.mock_server.clock import Clock, WorldClock
from crmcom_kit.mock_server.deliveries.attempts import Attempts
from crmcom_kit.mock_server.deliveries.messages import Sender
from crmcom_kit.mock_server.deliveries.queue import DeliveryQueue
from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.mock_server.faults.expectations import Expectations
from crmcom_kit.mock_server.faults.registry import Faults
from crmcom_kit.mock_server.journal.journal import MAX_ENTRIES, Journal, JournalBudget
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.entries import (
    MAX_CONTENT,
    Importer,
    add_entries,
    export,
    import_entries,
)
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.tokens import Tokens
from crmcom_kit.mock_server.world.world_file import LocatedEntry, check_entries, read_entries
from crmcom_kit.redaction import MASK, MIN_LENGTH, PUBLIC_PASSWORD, Redactor
from crmcom_kit.usage_errors import Conflict, UsageError

if TYPE_CHECKING:
    from crmcom_kit.mock_server.journal.entry_view import JournalReader
    from crmcom_kit.mock_server.world.state_file import StateFile

DEFAULT = "default"


class World:
    """A tenant with its own records, ids, clock, tokens, journal and faults."""

    def __init__(
        self,
        config: Config,
        start: Store,
        *,
        clock: Clock,
        delivery: Sender,
        delivery_queue: DeliveryQueue,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        """Start with the content ``start``, which other worlds may share.

        Args:
            config: release and dialect, with the objects made from them.
            start: the initial content, also after a reset.
            clock: the base of the world's clock.
            delivery: sends webhooks.
            delivery_queue: sends queued deliveries.
            max_entries: maximum number of requests in the journal.
        """
        self.name = DEFAULT
        self.config = config
        self._base_clock = clock
        self._start = start
        self._delivery = delivery
        self.delivery_queue = delivery_queue
        self._max_entries = max_entries
        #: Limits the journals of this world and its clones.
        self.journal_budget = JournalBudget()
        self._secrets: frozenset[str] = frozenset()
        self._begin()

    def _begin(self) -> None:
        """Make the state that the world does not share."""
        self.clock = WorldClock(self._base_clock)
        self._lock = threading.Lock()
        self._state: StateFile | None = None
        self._user_size = self._start.size  # of the content from the user's files
        dialect = self.config.dialect
        self.tokens = Tokens(
            clock=self.clock,
            # Separate ids: tokens outlast a reset, and must stay unique.
            ids=self._new_ids(),
            live_at_once=dialect["tokens.live_at_once"],
            renews=dialect["tokens.hour_before_r12"] == "renewed",
        )
        self._make_redactor()  # with the secrets of the cloned world
        self.current_epoch = self._first_epoch(0, attempts=0)
        self.tokens.set_fixed(self.config.fixed_tokens, self.current_epoch.session())

    def clone(self, name: str) -> "World":
        """Return a world of another name with the initial content of this one.

        With another name, the same seed gives other ids and tokens.
        """
        clone: World = copy(self)
        clone.name = name
        clone._begin()
        return clone

    def add_secrets(self, *secrets: str) -> None:
        """Redact more secrets from now on, also in clones."""
        self._secrets |= {*secrets}
        self._make_redactor()

    def _make_redactor(self) -> None:
        tokens = self.tokens
        #: Hides the secrets of this world and its current tokens.
        self.redactor = Redactor(
            self._masks(), is_token=lambda word: len(word) >= MIN_LENGTH and tokens.knows(word)
        )

    def _masks(self) -> dict[str, str]:
        """Return the mask of each secret, except tokens of logins."""
        credentials = self.config.credentials
        secrets = {credentials.api_key, credentials.password, *self.config.fixed_tokens}
        return dict.fromkeys(secrets - {PUBLIC_PASSWORD} | self._secrets, MASK)

    def _new_ids(self, count: int = 0) -> Ids:
        return Ids(self.config.seed, "" if self.name == DEFAULT else self.name, count)

    def _first_epoch(self, number: int, *, attempts: int) -> Epoch:
        """Return an epoch with the initial content."""
        return Epoch(
            config=self.config,
            name=self.name,
            number=number,
            clock=self.clock,
            tokens=self.tokens,
            delivery_queue=self.delivery_queue,
            initial_content=self._start,
            ids=self._new_ids(),
            delivery=_clone(self._delivery),
            room=self._room,
            journal=Journal(self._max_entries, epoch=number, budget=self.journal_budget),
            faults=Faults(self.config, self.clock),
            expectations=Expectations(),
            attempts=Attempts(self.name, last_number=attempts),
        )

    def _room(self, content: Store | None) -> float:
        """Return the bytes that may be added to ``content``, or to no content."""
        return MAX_CONTENT + self._user_size - (content.size if content else 0)

    # Changes of a world as a whole. Each is atomic; a request stays in the epoch in which it began.

    def reset(self) -> Epoch:
        """Restore the initial content; return the new epoch.

        Replace records, reference data, ids, journal, faults, delivery attempts and scripts;
        restart the clock; make fixed tokens valid again. Tokens from logins stay valid.
        Raises NotWritten; nothing has changed.
        """
        with self._lock:
            old_epoch = self.current_epoch
            epoch = self._first_epoch(old_epoch.number + 1, attempts=old_epoch.attempts.last_number)
            self._switch_to(epoch)
            old_epoch.end()
            self.clock.restart()
            return epoch

    def _switch_to(self, epoch: Epoch) -> None:
        """Make ``epoch`` the current one. If that raises NotWritten, nothing has changed."""
        if self._state is not None:
            self._state.begin(epoch)
        old_epoch, self.current_epoch = self.current_epoch, epoch
        old_epoch.is_over = True
        self.tokens.set_fixed(self.config.fixed_tokens, epoch.session())

    def replace_content(
        self,
        entries: Iterable[LocatedEntry],
        *,
        by_age: bool = True,
        scripts: Mapping[str | None, str] | None = None,
        expected_epoch: Epoch | None = None,
    ) -> Epoch:
        """Replace the content with ``entries``, records ``by_age`` or in their order.

        The delivery scripts stay, unless ``scripts`` replace them, by numbers of records.

        Returns the new epoch.

        Raises:
            DataError: the entries contradict each other; nothing has changed.
            LimitExceeded: there is no room for them; nothing has changed.
            Conflict: ``expected_epoch`` is not the current one; nothing has changed.
        """
        initial_content = import_entries(self.config, entries, by_age=by_age, room=self._room(None))
        with self._locked_epoch(expected_epoch) as epoch:
            delivery = epoch.delivery
            if scripts is not None and isinstance(delivery, ScriptedDelivery):
                delivery = delivery.restart(scripts)
            return self._replace(initial_content, self._new_ids(), delivery)

    def load(self, file: IO[bytes], place: str, *, expected_epoch: Epoch | None = None) -> Epoch:
        """Replace the content with that of a world file, whose records keep their order.

        Args:
            file: the world file.
            place: what errors call it.
            expected_epoch: as for ``replace_content``.

        Returns the new epoch. Raises the errors of ``replace_content``.
        """
        entries = check_entries(read_entries(file, place), self.config)
        return self.replace_content(entries, by_age=False, expected_epoch=expected_epoch)

    def export(self) -> Iterator[bytes]:
        """Yield the lines of a world file with the content as of now; at least one."""
        lines = export(self.store.copy())
        return chain([next(lines, b"{}\n")], lines)

    def add(
        self,
        make: Callable[[Epoch], Iterable[LocatedEntry]],
        *,
        expected_epoch: Epoch | None = None,
    ) -> list[Record]:
        """Add the entries that ``make`` returns for the current epoch.

        Returns their webhook requests. No other entries are added in the meantime.

        Raises:
            DataError: the entries contradict each other or the content; nothing has changed. The
                same holds if ``make`` raises.
            LimitExceeded: there is no room for them; nothing has changed.
            Conflict: ``expected_epoch`` is not the current one; nothing has changed.
        """
        with self._locked_epoch(expected_epoch) as epoch:
            return add_entries(self.config, epoch.store, make(epoch), self._room(epoch.store))

    def replace_record(
        self, old_record: Record, entry: LocatedEntry, *, expected_epoch: Epoch
    ) -> Record | None:
        """Replace ``old_record`` with the webhook request of an entry, and return it.

        Returns None if ``old_record`` was changed or deleted in the meantime; nothing has changed
        then. Raises the errors of ``add``.
        """
        with self._locked_epoch(expected_epoch) as epoch:
            room = self._room(epoch.store) + old_record.size
            importer = Importer(self.config, epoch.reference_data, room)
            ((record, _),) = importer.read([entry])
            is_replaced = epoch.store.replace(old_record, record, importer.reference_data)
            return record if is_replaced else None

    @contextmanager
    def _locked_epoch(self, expected: Epoch | None) -> Iterator[Epoch]:
        """Lock the world against other changes; yield its epoch. Raises Conflict."""
        with self._lock:
            epoch = self.current_epoch
            if expected is not None and expected is not epoch:
                problem = f"epoch {epoch.number}, while this call began in epoch {expected.number}"
                raise Conflict("world", seen=problem, allowed="a call in one epoch; try again")
            yield epoch

    def _replace(self, content: Store, ids: Ids, delivery: Sender) -> Epoch:
        """Begin an epoch with other content; journal, faults and deliveries continue."""
        epoch = self.current_epoch
        new_epoch = replace(
            epoch, number=epoch.number + 1, initial_content=content, ids=ids, delivery=delivery
        )
        self._switch_to(new_epoch)
        return new_epoch

    def keep(self, state: "StateFile") -> list[str]:
        """Continue with the content of ``state``, if it has any, and keep the content there.

        Returns notes: the end of the file was ignored, or the file could not be rewritten. In the
        latter case changes are appended to it.

        Raises:
            DataError: the file cannot be read.
            UsageError: a new file cannot be written. A later change that cannot be written is not
                made.
        """
        with self._lock:
            file = state.read()
            if file is not None:
                ids = self._new_ids(file.id_count)
                self._user_size = max(self._user_size, file.content.size)
                self._replace(file.content, ids, self.current_epoch.delivery)
            notes = []
            if file is not None and file.excess:
                notes.append(f"the last change is incomplete; its {file.excess} bytes are ignored")
            try:
                state.begin(self.current_epoch)
            except UsageError as error:
                if file is None:
                    raise
                notes.append(f"it is continued, but cannot be rewritten: {error.seen}")
                state.continue_with(self.current_epoch)
            self._state = state
            return notes

    def close_state(self) -> None:
        """Close the state file, if there is one, and unlock it."""
        with self._lock:
            if self._state is not None:
                self._state.close()
                self._state = None

    def unexpected(self) -> list[str]:
        """Return a line, without secrets, for each event that a test does not expect.

        These are refused requests and ignored parameters, also of the control API, expected
        refusals that never came, faults that were never hit, and scripts of one webhook request
        that decided no delivery, except those of a scenario.
        """
        epoch = self.current_epoch
        count, lines = epoch.expectations.unexpected()
        if count > len(lines):
            lines.append(f"{count - len(lines):,} more requests")
        never_came = epoch.expectations.never_came()
        lines += [f"expected refusal: {refusal}; {refusal.count} came" for refusal in never_came]
        lines += [f"fault never hit: {state}" for state in epoch.faults.never_hit()]
        if isinstance(epoch.delivery, ScriptedDelivery):
            scripts = epoch.delivery.never_used()
            lines += [f"delivery script never used: {script}" for script in scripts]
        return [self.redactor.text(line) for line in lines]

    # Shortcuts to the current epoch.

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
        # Imported when needed: a mock starts sooner without it.
        from crmcom_kit.mock_server.journal.entry_view import JournalReader

        epoch = self.current_epoch
        return JournalReader(
            journal=epoch.journal,
            config=self.config,
            redactor=self.redactor,
            attempts=epoch.attempts,
            faults=epoch.faults,
            store=lambda: self.store,
        )

    @property
    def recording_reader(self) -> "JournalReader":
        """Builds views that replace tokens by variables, so that tokens can be distinguished.

        Tokens that the mock has not issued have other names.
        """
        from crmcom_kit.mock_server.journal.entry_view import token_values

        tokens = token_values(self.journal.entries())
        unknown_tokens = (token for token in tokens if not self.tokens.knows(token))
        variables = {token: f"$CRMCOM_OTHER_{n}" for n, token in enumerate(unknown_tokens, 1)}
        return replace(
            self.reader, redactor=Redactor(variables | self._masks() | self.tokens.variables())
        )

    @property
    def faults(self) -> Faults:
        """The faults that may hit requests."""
        return self.current_epoch.faults


def _clone(delivery: Sender) -> Sender:
    """Return an independent copy of a scripted delivery; other deliveries unchanged."""
    return delivery.clone() if isinstance(delivery, ScriptedDelivery) else delivery
