"""Legal servers, by the second author: users, the work of others, and what changes do."""

from typing import Any, ClassVar

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, ORGANISATION, USERNAME, SoundServer
from sound_server.world import REJECTED, SUCCESSFUL, Record


class BurstsOfNewRecords(SoundServer):
    """An import elsewhere makes six new records at each twentieth request, in one second."""

    FACTS = "5 (requests are created by the system)"

    def work_of_others(self) -> None:
        """Let workflow rules add a burst of records."""
        super().work_of_others()
        if self.requests % 20 == 0 and len(self.records) < 200:
            for _ in range(6):
                self.add()


class RetryJob(SoundServer):
    """A job resends two rejected records now and then; most are rejected again a little later."""

    FACTS = "5 (no automatic retry mentioned), 8.23"

    def set_up(self) -> None:
        """Start without retries."""
        super().set_up()
        self.retried: dict[str, int] = {}  # id of a record → request at which it fails

    def work_of_others(self) -> None:
        """Let records fail whose time has come, and retry others."""
        super().work_of_others()
        for record_id in [each for each, due in self.retried.items() if due <= self.requests]:
            del self.retried[record_id]
            record = self.records.get(record_id)
            if record is not None and record.life_cycle_state == SUCCESSFUL:
                record.life_cycle_state = REJECTED
                self.world.set_error(record)
                self.touch(record)
        if self.requests % 8 == 0:
            rejected = [r for r in self.records.values() if r.life_cycle_state == REJECTED]
            for record in self.random.sample(rejected, 2 if len(rejected) > 12 else 0):
                self.send_again(record)
                if record.life_cycle_state == SUCCESSFUL and self.random.random() < 0.8:
                    self.retried[record.id] = self.requests + 10


ERRORS.setdefault("already_queued", ("WEBHOOKS", "RESENDALREADYQUEUED", 409))


class ResendQueuedOnce(SoundServer):
    """A resend is queued for 3 seconds, in which the record stays rejected and takes no other."""

    FACTS = "8.23"  # synchronous or queued

    def set_up(self) -> None:
        """Start with an empty queue."""
        super().set_up()
        self.sending_times: dict[str, float] = {}  # id of a record → when it is sent

    def do_resend(self, call: Call) -> Any:
        """Put a record into the queue, once."""
        record = self.find(call)
        if not self.may_resend(record, call):
            return super().do_resend(call)
        if not record.definition.effective and self.choices.resend_not_effective == "error":
            return super().do_resend(call)
        if record.id in self.sending_times:
            raise Refusal("already_queued", "The webhook request is about to be sent again.")
        self.sending_times[record.id] = self.now + 3
        return self.trimmed(record, call)

    def work_of_others(self) -> None:
        """Send the records whose time has come, if they are still there and rejected."""
        super().work_of_others()
        for record_id, time in list(self.sending_times.items()):
            if time <= self.now:
                del self.sending_times[record_id]
                record = self.records.get(record_id)
                if record is not None and record.life_cycle_state == REJECTED:
                    self.send_again(record)


ERRORS.setdefault("read_only", ("SECURITY", "READONLYUSER", 403))


class ReadOnlyUser(SoundServer):
    """The user may only read: resend and delete are refused, whatever their parameters are."""

    FACTS = "8.1, 8.2, 8.4"  # HTTP status, no permission, order of checks
    CHOICES: ClassVar = {"error_http": "by_kind"}

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of show and list only."""
        if call.method in ("resend", "delete"):
            raise Refusal("read_only", "The user may only read webhook requests.")
        super().read_arguments(call)


VISIBLE = ("ACTIVITIES", "SUBSCRIPTIONS", "CONTACTINFORMATION", "PAYMENTS", "WALLETS")


class SeesSomeEntities(SoundServer):
    """The user has access to some entities; records of the others do not exist for them."""

    FACTS = "8.2"  # no permission

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names, if the user sees it."""
        record = super().find(call)
        if record.entity not in VISIBLE:
            name, value = call.identifier
            raise Refusal("unknown_record", f"No webhook request has {name} {value}.")
        return record

    def selected(self, record: Record, call: Call) -> bool:
        """Return whether all filters select a record that the user sees."""
        return record.entity in VISIBLE and super().selected(record, call)


class TiesOfADayTurn(SoundServer):
    """Lists are by day of creation, the last first; within a day the order changes each time."""

    FACTS = "8.12"

    def in_order(self, found: list[Record]) -> list[Record]:
        """Return the records of the last day first, and those of one day in any order."""
        found = list(super().in_order(found))
        self.random.shuffle(found)
        return sorted(found, key=lambda record: record.created.date(), reverse=True)


class ReleaseEndsAllTokens(SoundServer):
    """From R12 on, the release of a token ends all tokens of its user: a log-out everywhere."""

    FACTS = "8.26"  # effect of release from R12 on
    CHOICES: ClassVar = {"release_from_r12": "ends"}

    def do_release_token(self, call: Call) -> Any:
        """End all tokens of the user whose token is released."""
        data = super().do_release_token(call)
        if self.key >= (12, 0):
            user = self.tokens.claims(call.parameters["token"])["usr"]
            for text in self.tokens.known:
                if self.tokens.claims(text)["usr"] == user:
                    self.tokens.end(text)
        return data


ERRORS.setdefault("locked_for_a_while", ("SECURITY", "TEMPORARILYLOCKED", 423))


class LockEndsTokens(SoundServer):
    """Three wrong passwords in a row lock the user for 30 seconds and end their live tokens."""

    FACTS = "8.26"  # exact text for locked users

    def set_up(self) -> None:
        """Start without wrong passwords."""
        super().set_up()
        self.wrong_passwords = 0
        self.locked_until = 0.0
        self.open_tokens: list[str] = []

    def credentials_right(self, username: str, password: str, organisation: str) -> bool:
        """Return whether the user may come in, and lock them after three wrong passwords."""
        if (username, organisation) != (USERNAME, ORGANISATION):
            return super().credentials_right(username, password, organisation)
        if self.now < self.locked_until:
            raise Refusal("locked_for_a_while", "The user is locked. Try again later.")
        right = super().credentials_right(username, password, organisation)
        self.wrong_passwords = 0 if right else self.wrong_passwords + 1
        if self.wrong_passwords == 3:
            self.wrong_passwords = 0
            self.locked_until = self.now + 30
            while self.open_tokens:
                self.tokens.known.pop(self.open_tokens.pop(), None)
        return right

    def do_login(self, call: Call) -> Any:
        """Return a token, and keep whose it is."""
        data = super().do_login(call)
        self.open_tokens.append(data["token"])
        return data


ERRORS.setdefault("in_trash", ("WEBHOOKS", "WEBHOOKREQUESTINTRASH", 410))


class TrashBin(SoundServer):
    """For 10 seconds a deleted record is in a trash bin, where it has errors of its own."""

    FACTS = "8.22"  # second delete, and show after a delete
    CHOICES: ClassVar = {"delete_touches_log": True}

    def set_up(self) -> None:
        """Start with an empty bin."""
        super().set_up()
        self.trashed: dict[str, float] = {}  # id of a record → when it was deleted

    def remove(self, record: Record) -> None:
        """Put a record into the bin."""
        super().remove(record)
        self.trashed[record.id] = self.now

    def in_bin(self, record: Record) -> bool:
        """Return whether a deleted record is in the bin."""
        return self.now - self.trashed.get(record.id, 0.0) < 10

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names, if need be from the bin."""
        try:
            return super().find(call)
        except Refusal:
            name, value = call.identifier
            for record in self.deleted.values():
                if getattr(record, name) == value and self.in_bin(record):
                    if call.method == "delete":
                        return record
                    raise Refusal("in_trash", "The webhook request was deleted.") from None
            raise


MAXIMUM = {"entity": 12, "webhook_definition_identifier": 8, "workflow_rule_identifier": 5}


class MaximumByFilter(SoundServer):
    """From R13 on, a page holds at most so many records as the filter of the list allows."""

    FACTS = "8.11"  # default and maximum of number_of_results

    def page(self, found: list[Record], call: Call) -> list[Record]:
        """Return the page that a call asks for, or the first records of it."""
        records = super().page(found, call)
        if self.key >= (13, 0):
            allowed = [MAXIMUM[name] for name in call.filters if name in MAXIMUM]
            records = records[: min(allowed, default=len(records))]
        return records
