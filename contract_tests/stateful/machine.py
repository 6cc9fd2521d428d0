"""The state machine: rules that send requests, on what a server has shown so far.

The machine does not judge. Every response goes through the checks of the session, see ``checks``;
a rule only decides what to send, and ``Exploration`` sees whether a statement broke.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
)

from crmcom_kit.contract_tests.checks.sense import FIELDS, IDENTIFIER
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN, ODD_TOKENS, WRONG_TOKEN
from crmcom_kit.contract_tests.client.near_misses import (
    MUTATIONS,
    NAME_MUTATIONS,
    SECRET_MUTATIONS,
    Mutation,
)
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.login import ask_for_token, token_of
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.probes.choosing import FILTERS, STATES, filter_values, nearly
from crmcom_kit.contract_tests.probes.refusals import TABLE, Row
from crmcom_kit.contract_tests.stateful.exploration import Exploration

#: So many webhook requests are in the bundles at the start of an example.
MAX_RECORDS = 200
RESPONSES = ("response.*", "envelope.*", "methods.*", "parameters.*", "entities.*", "deprecation.*")
SHOW = ("show.*", "delete.gone", "resend.same_record", "resend.sends_again", *RESPONSES)
LIST = ("list.*", "delete.gone", "resend.sends_again", *RESPONSES)
RESEND = ("resend.*", "errors.*", "response.*")
DELETE = ("delete.*", "errors.*", "response.*")
TOKEN = ("token.*", "login.*", "token_release.*", "errors.*")
ABOUT: list[tuple[str, ...]] = []  # the globs of each rule

#: What no login returned; None: no token.
MADE_UP = (None, None, None, NO_TOKEN, WRONG_TOKEN, *ODD_TOKENS)

#: Filters with values of which none is almost another.
FEW_VALUES = ("entity", "life_cycle_state", "created_date")

fields = st.sampled_from(("id", "number"))
raws = st.booleans()
changing = st.sampled_from(("resend", "delete"))
token_changes = st.none() | st.sampled_from(SECRET_MUTATIONS)
#: Half of all lists have one or two filters.
refusals = st.sampled_from(TABLE)
filters = st.sampled_from([each for each in FILTERS if len(each) <= 2]) | st.sampled_from(FILTERS)
some_fields = st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4, unique=True).map(",".join)
all_fields = st.just(",".join(reversed(FIELDS)))
#: Values of fields_set; None: the request has none, as half of them.
FIELDS_SETS = st.one_of(st.none(), st.just(None), some_fields, st.sampled_from(FIELDS) | all_fields)


def about(*globs: str) -> Callable[[Any], Any]:
    """Return a decorator: the rule runs if statements are asked for that fit ``globs``."""
    ABOUT.append(globs)
    return precondition(lambda self: self.exploration.wants(globs))


def may(method: str) -> Callable[[Any], Any]:
    """Return a decorator: the rule runs if ``method``, which changes something, may be called."""
    return precondition(lambda self: self.exploration.may(method))


class RequestMachine(RuleBasedStateMachine):
    """One example: a sequence of requests. The bundles of webhook requests hold their ids."""

    known = Bundle("known")  # all that were seen, deleted ones among them once they are
    rejected = Bundle("rejected")  # may be changed, and are REJECTED
    successful = Bundle("successful")  # may be changed, and are SUCCESSFUL
    changeable = Bundle("changeable")  # may be changed
    changed = Bundle("changed")  # were sent again or deleted
    tokens = Bundle("tokens")  # of further logins
    ended = Bundle("ended")  # tokens that were released

    def __init__(self, exploration: Exploration) -> None:
        """Send requests through ``exploration``, which begins another example."""
        self.exploration = exploration
        super().__init__()
        exploration.begin()

    def teardown(self) -> None:
        """Look once more at what was changed."""
        self.exploration.end()

    # What there is at the start.

    @initialize(target=known)
    def know_records(self) -> Any:
        """Take the webhook requests that were seen."""
        records = list(self.exploration.session.pool.known())
        keys = [*(each["id"] for each in records), *self.exploration.session.pool.deleted]
        return multiple(*keys[:MAX_RECORDS])

    @initialize(target=changeable)
    def know_changeable(self) -> Any:
        """Take those that may be changed."""
        return multiple(*self._changeable(*STATES))

    @initialize(target=rejected)
    def know_rejected(self) -> Any:
        """Take those of them that can be sent again."""
        return multiple(*self._changeable("REJECTED"))

    @initialize(target=successful)
    def know_successful(self) -> Any:
        """Take those of them that must not be sent again."""
        return multiple(*self._changeable("SUCCESSFUL"))

    def _changeable(self, *states: str) -> list[str]:
        found = self.exploration.changeable()
        return [e["id"] for e in found if e.get("life_cycle_state") in states][:MAX_RECORDS]

    # Reading.

    @rule(key=known, field=fields, raw=raws, fields_set=FIELDS_SETS)
    @about(*SHOW)
    def show(self, key: str, field: str, fields_set: str | None, *, raw: bool) -> None:
        """Show a webhook request."""
        self._name("show", key, field, fields_set, raw=raw)

    @rule(key=changed, field=fields, raw=raws, fields_set=FIELDS_SETS)
    @about(*SHOW)
    def show_changed(self, key: str, field: str, fields_set: str | None, *, raw: bool) -> None:
        """Show a webhook request that was changed some time ago."""
        self._name("show", key, field, fields_set, raw=raw)

    @rule(key=known, names=filters, raw=raws, fields_set=FIELDS_SETS, data=st.data())
    @about(*LIST)
    def list_known(
        self, key: str, names: tuple[str, ...], fields_set: str | None, data: Any, *, raw: bool
    ) -> None:
        """List by what a webhook request has."""
        self._list(self._filters(key, names, data), fields_set, self._page(data), raw=raw)

    @rule(key=known, names=filters, change=st.sampled_from(MUTATIONS), data=st.data())
    @about(*LIST)
    def list_nearly(self, key: str, names: tuple[str, ...], change: Mutation, data: Any) -> None:
        """List by values of which one is almost right."""
        given = self._filters(key, names, data)
        near = [name for name in given if name not in FEW_VALUES]
        if near:
            name = data.draw(st.sampled_from(near))
            given[name] = nearly(given[name], change)
        self._list(given, None, self._page(data))

    @rule(key=known, other=known, names=filters, data=st.data())
    @about(*LIST)
    def list_mixed(self, key: str, other: str, names: tuple[str, ...], data: Any) -> None:
        """List by what one webhook request has, and in one filter by what another has."""
        given, theirs = self._filters(key, names, data), self._filters(other, names, data)
        given |= {name: theirs[name] for name in names[-1:] if name in theirs}
        self._list(given, data.draw(FIELDS_SETS), self._page(data))

    @rule(key=changed, names=filters, fields_set=FIELDS_SETS, data=st.data())
    @about(*LIST)
    def list_changed(
        self, key: str, names: tuple[str, ...], fields_set: str | None, data: Any
    ) -> None:
        """List by what a webhook request had that was changed some time ago, in either state."""
        given = self._filters(key, names, data)
        page = self._page(data)
        for state in STATES if "life_cycle_state" in given else (None,):
            self._list(given | ({"life_cycle_state": state} if state else {}), fields_set, page)

    @rule(data=st.data(), state=st.sampled_from((*STATES, None)), fields_set=FIELDS_SETS)
    @about(*LIST)
    def list_entity(self, data: Any, state: str | None, fields_set: str | None) -> None:
        """List all webhook requests of an entity, of each that the release has."""
        entity = data.draw(st.sampled_from(self.exploration.session.release.entities))
        given = {"entity": entity, "life_cycle_state": state} if state else {"entity": entity}
        self._list(given, fields_set, {})

    @rule(key=known, names=filters, size=st.integers(1, 4), skip=st.integers(0, 5), data=st.data())
    @about("list.*")
    def page_through(
        self, key: str, names: tuple[str, ...], size: int, skip: int, data: Any
    ) -> None:
        """List whole and in pages: three that follow each other, and one far beyond the end."""
        given = self._filters(key, names[:2], data)
        if not given or not self._pages:
            return
        fields_set = data.draw(FIELDS_SETS)
        if fields_set is not None and "id" not in fields_set.split(","):
            fields_set = f"{fields_set},id"  # by which pages are compared
        self._list(given, None, {})
        for at in (skip, skip + size, skip + 2 * size, 100_000):
            self._list(given, fields_set, {"number_of_results": str(size), "offset": str(at)})

    # Changing.

    @rule(target=changed, key=consumes(rejected), field=fields, fields_set=FIELDS_SETS)
    @about(*RESEND)
    @may("resend")
    def resend(self, key: str, field: str, fields_set: str | None) -> Any:
        """Send a webhook request again."""
        return self._changing("resend", key, field, fields_set)

    @rule(target=changed, key=successful, field=fields, fields_set=FIELDS_SETS)
    @about(*RESEND)
    @may("resend")
    def resend_successful(self, key: str, field: str, fields_set: str | None) -> Any:
        """Send one again that must be refused."""
        return self._changing("resend", key, field, fields_set)

    @rule(target=changed, key=consumes(changeable), field=fields, fields_set=FIELDS_SETS)
    @about(*DELETE)
    @may("delete")
    def delete(self, key: str, field: str, fields_set: str | None) -> Any:
        """Delete a webhook request."""
        return self._changing("delete", key, field, fields_set)

    @rule(key=changed, field=fields, method=changing)
    @about("resend.*", "delete.*", "errors.*")
    def change_again(self, key: str, field: str, method: str) -> None:
        """Send again or delete what was sent again or deleted before."""
        if self.exploration.may(method):
            self._changing(method, key, field, None)

    def _changing(self, method: str, key: str, field: str, fields_set: str | None) -> Any:
        if not self.exploration.session.release.at_least("R10.0.0"):
            fields_set = None  # it came with R10
        return key if self._name(method, key, field, fields_set) else multiple()

    # Requests that are to be refused.

    @rule(key=known, field=fields, change=st.sampled_from(MUTATIONS), raw=raws)
    @about("show.*", "errors.*")
    def show_nearly(self, key: str, field: str, change: Mutation, *, raw: bool) -> None:
        """Show a webhook request whose identifier is almost one that exists."""
        record = self.exploration.record(key)
        if record is not None and nameable(record) and change(record[field]):
            self._ask("show", {field: change(record[field])}, raw=raw)

    @rule(key=known, row=refusals, at=st.integers(0, 40), fields_set=FIELDS_SETS, data=st.data())
    @about(*(each for row in TABLE for method in row.methods for each in row.named(method)))
    def ask_wrongly(self, key: str, row: Row, at: int, fields_set: str | None, data: Any) -> None:
        """Make a request that must be refused, with fields_set, or for a page, as well."""
        session, record = self.exploration.session, self.exploration.record(key)
        methods = [each for each in row.methods if self.exploration.wants(tuple(row.named(each)))]
        method = data.draw(st.sampled_from(methods)) if methods else ""
        if record is None or not nameable(record) or not method:
            return
        if method in ("resend", "delete"):
            if not self.exploration.may(method) or key not in self._changeable(*STATES):
                return
            if not session.release.at_least("R10.0.0"):
                fields_set = None
        requests = [given for _, given in row.requests(session, method, record)]
        more = self._page(data) if method == "list" else {}
        more |= {} if fields_set is None else {"fields_set": fields_set}
        if requests:
            call = row.call(session, method, {**more, **requests[at % len(requests)]})
            self.exploration.attempt(lambda: session.send(call))

    # Tokens and logins.

    @rule(key=known, field=fields, names=filters, change=token_changes, data=st.data())
    @about(*TOKEN)
    def ask_without_right(
        self, key: str, field: str, names: tuple[str, ...], change: Mutation | None, data: Any
    ) -> None:
        """Call a method without token, with one that is almost right, or with a made-up one."""
        token = self.exploration.session.token or ""
        made = data.draw(st.sampled_from(MADE_UP)) if change is None else change(token)
        self._with_token(made, key, field, names, data)

    @rule(token=ended, key=known, field=fields, names=filters, data=st.data())
    @about(*TOKEN)
    def ask_with_ended(
        self, token: str, key: str, field: str, names: tuple[str, ...], data: Any
    ) -> None:
        """Call a method with a token that was released."""
        self._with_token(token, key, field, names, data)

    @rule(token=tokens, key=known, field=fields, names=filters, data=st.data())
    @about(*TOKEN)
    def ask_with_another(
        self, token: str, key: str, field: str, names: tuple[str, ...], data: Any
    ) -> None:
        """Call a method with the token of another login."""
        self._with_token(token, key, field, names, data)

    def _with_token(
        self, token: str | None, key: str, field: str, names: tuple[str, ...], data: Any
    ) -> None:
        exploration = self.exploration
        record = exploration.record(key)
        method = data.draw(st.sampled_from(("list", "show", "resend", "delete")))
        if record is None or not nameable(record):
            return
        if method in ("resend", "delete"):
            may_change = exploration.may(method) and key in self._changeable(*STATES)
            method = method if may_change else "show"
        given = self._filters(key, names, data) if method == "list" else {
            IDENTIFIER: {field: record[field]}
        }  # fmt: skip
        if given:
            given = given if token is None else {"token": token, **given}
            call = build(exploration.session.method(method), given)
            exploration.attempt(lambda: exploration.session.send(call))

    @rule(target=tokens)
    @about(*TOKEN)
    @precondition(lambda self: self.exploration.may_log_in)
    def log_in(self) -> Any:
        """Log in once more: tokens do not replace each other."""
        exchange = self.exploration.attempt(lambda: ask_for_token(self.exploration.session))
        token = token_of(exchange) if exchange is not None else None
        return token if token is not None else multiple()

    @rule(target=ended, token=consumes(tokens))
    @about(*TOKEN)
    def release_token(self, token: str) -> Any:
        """Release a token of another login than the one that the run uses."""
        session = self.exploration.session
        try:
            call = build(session.method("token_release"), {"token": token})
        except Unreachable:
            return multiple()
        if token == session.token:
            return multiple()
        exchange = self.exploration.attempt(lambda: session.send(call))
        return token if exchange is not None and exchange.ok else multiple()

    @rule(
        name=st.sampled_from(("username", "password", "organisation")),
        change=st.sampled_from((None, *NAME_MUTATIONS)),
    )
    @about(*TOKEN)
    @precondition(lambda self: self.exploration.may_log_in_wrongly)
    def log_in_wrongly(self, name: str, change: Mutation | None) -> None:
        """Log in with one parameter missing, or wrong by a character."""
        self.exploration.wrong_logins += 1
        session = self.exploration.session
        right = getattr(session.target.login, name) or ""
        value = None if change is None else change(right)
        self.exploration.attempt(lambda: ask_for_token(session, **{name: value}))

    # What requests are made of.

    def _filters(self, key: str, names: tuple[str, ...], data: Any) -> dict[str, Any]:
        """Return filters that a webhook request fits, or the days around it."""
        record = self.exploration.record(key) or {}
        given = {}
        for name in names:
            values = filter_values(record, name)
            if len(values) > 1:
                given[name] = data.draw(st.sampled_from(values))
            elif values:
                given[name] = values[0]
        return given

    @property
    def _pages(self) -> bool:
        return "offset" in self.exploration.session.method("list").parameters

    def _page(self, data: Any) -> dict[str, str]:
        """Return the parameters of a page, or none; none below R13."""
        if not self._pages or data.draw(st.integers(0, 2)):
            return {}
        size, skip = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 5))
        given = {"number_of_results": str(size)} if size else {}
        return given | ({"offset": str(skip)} if skip else {})

    def _list(
        self,
        given: dict[str, Any],
        fields_set: str | None,
        page: dict[str, str],
        *,
        raw: bool = False,
    ) -> None:
        if not given:
            return
        more = {} if fields_set is None else {"fields_set": fields_set}
        self.exploration.call("list", given | page | more, raw=raw)

    def _name(
        self, method: str, key: str, field: str, fields_set: str | None, *, raw: bool = False
    ) -> Any:
        """Call a method that names a webhook request."""
        record = self.exploration.record(key)
        if record is None or not isinstance(record.get(field), str):
            return None
        more = {} if fields_set is None else {"fields_set": fields_set}
        return self._ask(method, {field: record[field]}, raw=raw, **more)

    def _ask(
        self, method: str, identifier: dict[str, str] | None, *, raw: bool = False, **more: str
    ) -> Any:
        given: dict[str, Any] = {} if identifier is None else {IDENTIFIER: identifier}
        return self.exploration.call(method, given | more, raw=raw)


#: So many rules fill the bundles at the start of each example.
INITIAL = sum(name.startswith("know_") for name in vars(RequestMachine))
