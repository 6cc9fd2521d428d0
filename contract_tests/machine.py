"""A Hypothesis state machine that checks a server which is new, or reset, for each example.

Its requests come from the kit's templates, and the kit's oracle checks each response. It is for
servers that nobody else uses: an example may resend and delete anything.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar, NamedTuple

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from crmcom_kit.contract_tests.belief.changes import ChangesByOthers
from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.conclusions import conclude
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.settling import FEW_LOOKS, FindingsOfTest, settle
from crmcom_kit.contract_tests.campaign.shortening import logins_by_token, shorten
from crmcom_kit.contract_tests.client.calls import changing_method, with_token
from crmcom_kit.contract_tests.client.errors import Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.client.logins import ANY_LOGINS, LoginCount
from crmcom_kit.contract_tests.client.targets import Login, Target, in_process, of_mock
from crmcom_kit.contract_tests.client.wording import outcome
from crmcom_kit.contract_tests.options.deviations import Deviation, read_deviations
from crmcom_kit.contract_tests.options.options import CHANGES, FEW_LOGINS
from crmcom_kit.contract_tests.options.scope import EVERYTHING
from crmcom_kit.contract_tests.oracle.findings import Violation
from crmcom_kit.contract_tests.oracle.oracle import Observation
from crmcom_kit.contract_tests.reports.exceptions import exception
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.run import enter, new_session
from crmcom_kit.contract_tests.templates import Template, all_templates
from crmcom_kit.contract_tests.templates.logins import plain_list
from crmcom_kit.contract_tests.templates.table import LAYERS
from crmcom_kit.redaction import redact_url
from crmcom_kit.schemas import API_PATH, resolve

__all__ = ["ContractMachine", "Login"]

#: How many steps of drawn requests an example has.
STEPS = 10
#: How many lists an example begins with: it knows what they show.
FIRST_LISTS = 2

#: How many requests of a layer one step sends, if it is more than one: no looks surround them.
TOGETHER = {"read": 4, "refusal": 2}

Lists = Sequence[Mapping[str, Any]]  # the parameters of each


class Drawn(NamedTuple):
    """A request that was drawn."""

    call: Call
    template: Template
    variant: Any

    def __repr__(self) -> str:
        return f"<{self.template.name}>"


_TEMPLATES = {
    layer: [
        template
        for template in all_templates()
        if template.layer == layer and not template.is_undocumented
    ]
    for layer in LAYERS
}
#: Each template as often as its weight says.
_WEIGHTED = {
    layer: [template for template in templates for _ in range(template.weight)]
    for layer, templates in _TEMPLATES.items()
}

#: All choices are drawn as places. So an example replays even if the server now offers something
#: else, such as another token, which would make a strategy flaky for Hypothesis.
_PLACES = st.integers(0, 2**16 - 1)


def _at(values: Sequence[Any], place: int) -> Any:
    return values[place % len(values)]


@st.composite
def _first_lists(draw: st.DrawFn) -> Lists:
    """Draw lists that show something."""
    lists = draw(st.runner()).discovered()
    return [_at(lists, draw(_PLACES)) for _ in range(FIRST_LISTS)]


@st.composite
def _requests(draw: st.DrawFn, layer: str) -> list[Drawn]:
    """Draw requests of a layer; none if no template has one now.

    Templates are tried from the drawn one on, until one has a request: to try all of them takes
    longer than to send a request.
    """
    scene, templates = draw(st.runner()).session.scene, _TEMPLATES[layer]
    requests = []
    for _ in range(TOGETHER.get(layer, 1)):
        start = templates.index(draw(st.sampled_from(_WEIGHTED[layer])))
        variant_place, record_place = draw(_PLACES), draw(_PLACES)
        for template in (*templates[start:], *templates[:start]):
            variants = template.choices(scene)
            if variants:
                variant = _at(variants, variant_place)
                call = template.draw(scene, variant, partial(_at, place=record_place))
                if call is not None:
                    requests.append(Drawn(call, template, variant))
                break
    return requests


@dataclass
class _Shared:
    """What the examples of one class share."""

    lists: Lists = ()  # that show something
    deviations: tuple[Deviation, ...] | None = None  # None: not read yet
    logins: LoginCount = field(default_factory=LoginCount)  # to somebody's server
    #: In examples that passed. More is needed to accuse the server of the same.
    by_others: ChangesByOthers = field(default_factory=ChangesByOthers)


class ContractMachine(RuleBasedStateMachine):
    """Checks a server that is new, or reset, for each example.

    Subclass it with ``target``, and have pytest or unittest run its ``TestCase``:

        class Contract(ContractMachine):
            def target(self):
                mock.reset()
                return mock

        TestContract = Contract.TestCase

    The first broken statement fails an example. The exception names it, and has a line for each
    request that shows it: the shortest part of the example in which the kit's oracle sees the same.
    These requests were sent once more to another new server, and the exception says whether the
    violation was seen again. Hypothesis replays the example from its database at once.

    The phases are explicit, reuse and generate, since Hypothesis' own shrinking sends thousands of
    requests. All other settings are those of the profile that is loaded when the class is made. To
    change some, begin with those: ``settings(Contract.TestCase.settings, max_examples=500)``.
    """

    #: Whether a suspicion is confirmed before it fails an example. Without it, more is found, but
    #: the server is also accused of what it does by itself, or what somebody else does.
    confirms: ClassVar[bool] = True
    #: The release that the server should conform to; a crmcom-kit mock knows its own.
    release: ClassVar[str] = "R9"
    #: The credentials; a crmcom-kit mock knows its own.
    login: ClassVar[Login | None] = None
    #: The path of the API in an application in this process.
    path: ClassVar[str] = API_PATH
    #: Which of resend and delete may be sent. By default both to a server in this process or on
    #: this machine, and neither to any other.
    allow: ClassVar[Collection[str] | None] = None
    #: A file of known deviations, as for ``check --deviations``.
    deviations: ClassVar[str | Path | None] = None

    session: Session
    campaign: Campaign

    def target(self) -> Any:
        """Return the server for one example, new or reset.

        It is a mock (``crmcom_mock()``), a WSGI or ASGI application, or the base URL of a server
        that was reset. Each time it must be in the same state.
        """
        msg = f"{type(self).__name__}.target: define it, and return a new or reset server"
        raise NotImplementedError(msg)

    def __init_subclass__(cls, **options: Any) -> None:
        """Give the class's TestCase the settings of its parent, or those of this class."""
        super().__init_subclass__(**options)
        parent = next(base for base in cls.__mro__[1:] if issubclass(base, ContractMachine))
        cls.TestCase.settings = parent.TestCase.settings if parent is not ContractMachine else (
            settings(
                stateful_step_count=STEPS + 1,  # ``begin`` is a step
                phases=[Phase.explicit, Phase.reuse, Phase.generate],
                report_multiple_bugs=False,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
        )  # fmt: skip
        cls._shared = _Shared()

    _shared: ClassVar[_Shared]

    def __init__(self) -> None:
        """Send nothing yet."""
        super().__init__()
        self._has_begun = False  # whether there is a session
        self._is_over = False  # whether the example has failed

    # The server.

    def _new_session(self, findings: FindingsOfTest | None = None) -> Session:
        """Return a session with a new server, logged in. Raises TargetDown, Unreachable."""
        target = self._checked_target()
        is_ours = target.is_own or target.is_near
        allowed_methods = (CHANGES if is_ours else ()) if self.allow is None else self.allow
        config = RunConfig(
            allowed=frozenset(allowed_methods),
            scope=EVERYTHING,
            max_logins=ANY_LOGINS if is_ours else FEW_LOGINS,
            login_count=LoginCount() if is_ours else self._shared.logins,
            sleep=(lambda _: None) if target.is_own else time.sleep,
        )
        session = new_session(target, config, findings)
        try:
            enter(session, config)
        except BaseException:
            session.client.close()
            raise
        return session

    def _checked_target(self) -> Target:
        """Return what ``target`` returns as a target. Raises TypeError."""
        server = self.target()
        target = server if isinstance(server, Target) else of_mock(server)
        if target is not None:
            return target
        kind, name = type(self), type(self).__name__
        if not isinstance(server, str) and not callable(server):
            msg = f"{name}.target: returned {server!r}; it must return a mock, a WSGI or ASGI "
            msg += "application, or a base URL"
            raise TypeError(msg)
        if kind.login is None:
            msg = f"{name}.login: is missing; it must be the credentials, such as "
            msg += "Login(username=…, password=…, organisation=…)"
            raise TypeError(msg)
        if not isinstance(server, str):
            return in_process(server, kind.release, kind.login, kind.path)
        base, release = server.rstrip("/"), resolve(kind.release)
        return Target(name=redact_url(base), base_url=base, release=release, login=kind.login)

    def _known_deviations(self) -> tuple[Deviation, ...]:
        shared, path = self._shared, self.deviations
        if shared.deviations is None:
            shared.deviations = read_deviations(Path(path)).deviations if path is not None else ()
        return shared.deviations

    def discovered(self) -> Lists:
        """Return lists that show webhook requests; they are discovered once, on a new server."""
        if not self._shared.lists:
            session = self._new_session()
            entities = session.scene.release.entities
            try:
                self._shared.lists = discover(session) or [{"entity": name} for name in entities]
            finally:
                session.client.close()
        return self._shared.lists

    # Steps.

    @initialize(lists=_first_lists())
    def begin(self, lists: Lists) -> None:
        """Log in to a new server, and list some of its webhook requests."""
        __tracebackhide__ = True
        self._findings = FindingsOfTest(self._known_deviations())
        self.session = self._new_session(self._findings)
        self._has_begun = True
        chance = Random(0)  # confirmations draw nothing, or an example could end in one
        self.session.belief.by_others.add(self._shared.by_others)
        self.campaign = Campaign(
            self.session, FEW_LOOKS, choose=chance.choice, changes_by_itself=self._changes_by_itself
        )
        for parameters in lists:
            self._do(partial(self.session.call, "list", parameters))

    @rule(requests=_requests("read"))
    def read(self, requests: Sequence[Drawn]) -> None:
        """Send reads that must be served."""
        __tracebackhide__ = True
        self._send(requests)

    @rule(requests=_requests("refusal"))
    def be_refused(self, requests: Sequence[Drawn]) -> None:
        """Send requests that must be refused."""
        __tracebackhide__ = True
        self._send(requests)

    @precondition(lambda self: self.session.scene.logins.left > 0)
    @rule(requests=_requests("login"))
    def log_in(self, requests: Sequence[Drawn]) -> None:
        """Log in, with right or wrong credentials, or release a token."""
        __tracebackhide__ = True
        self._send(requests)

    @precondition(lambda self: "resend" in self.session.scene.allowed)
    @rule(requests=_requests("resend"))
    def resend(self, requests: Sequence[Drawn]) -> None:
        """Resend a webhook request."""
        __tracebackhide__ = True
        self._send(requests)

    @precondition(lambda self: "delete" in self.session.scene.allowed)
    @rule(requests=_requests("delete"))
    def delete(self, requests: Sequence[Drawn]) -> None:
        """Delete a webhook request, or name one that was deleted."""
        __tracebackhide__ = True
        self._send(requests)

    def call(self, method: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the example's token, for your own rules; its response is checked, too.

        Raises Unreachable if it may not be sent, or got no response.
        """
        __tracebackhide__ = True
        exchange = self.session.call(method, parameters)
        self._do(lambda: None)
        return exchange

    def teardown(self) -> None:
        """Draw conclusions from the whole example, such as a method that failed each time."""
        __tracebackhide__ = True
        if not self._has_begun:
            return
        try:
            if not self._is_over:
                self._do(lambda: conclude(self.session, {}))
                self._shared.by_others.add(self.session.belief.by_others)
        finally:
            self.session.client.close()

    def _send(self, requests: Sequence[Drawn]) -> None:
        __tracebackhide__ = True
        for request in requests:
            self._do(partial(self._send_drawn, *request))

    def _send_drawn(self, call: Call, template: Template, variant: Any) -> None:
        self.session.queue += self.campaign.send(call, template, variant)

    def _do(self, send: Callable[[], Any]) -> None:
        """Send something, and raise what is broken."""
        __tracebackhide__ = True
        session, violations = self.session, self._findings.violations
        self._is_over = True  # unless nothing is raised
        with suppress(Unreachable):  # withheld, or without a response: the example goes on
            send()
        settle(self.campaign, confirms=self.confirms)
        if violations:
            violation = violations[0]
            log = shorten(violation, session.client.history, session)
            note = "not seen again with these alone; all that were sent"
            exchanges = session.client.history[: violation.exchanges[-1].number]
            calls = [exchange.call for exchange in exchanges]
            if self._is_seen_again(violation, log):
                note, calls = "seen again on a new server", [exchange.call for exchange in log]
            raise exception(violation, calls, session, note)
        self._is_over = False

    # The same requests, to a new server.

    def _is_seen_again(self, violation: Violation, log: Sequence[Exchange]) -> bool:
        """Send the requests to a new server, and return whether the statement is broken there."""
        for exchange, observation in self._sent_again(log):
            if exchange.status >= 500 and outcome(observation.exchange) == violation.seen:
                return True
            for suspicion in observation.suspicions:
                statements = {hypothesis.statement for hypothesis in suspicion.hypotheses}
                if violation.statement in statements:
                    return True
        return False

    def _changes_by_itself(self) -> bool:
        """Return whether anything changes on a new server if the example's changes are left out.

        Then the server has jobs of its own, and no change is to blame.
        """
        return any(
            suspicion.record_id is not None and suspicion.symptom
            for _, observation in self._sent_again(self.session.client.history, changes=False)
            for suspicion in observation.suspicions
        )

    def _sent_again(
        self, log: Sequence[Exchange], *, changes: bool = True
    ) -> Iterator[tuple[Exchange, Observation]]:
        """Send the requests of exchanges to a new server; yield each with what it shows there.

        Tokens are those of the new server. Without ``changes``, a list is sent instead of each
        change, so that the number of requests is the same.
        """
        session, tokens = self._new_session(), dict[object, str]()
        own_tokens = logins_by_token(tuple(self.session.client.history))
        with closing(session.client):
            for exchange in log:
                call, token = exchange.call, exchange.call.parameters.get("token")
                if not changes and changing_method(call) is not None:
                    call = plain_list(session.scene, session.scene.token)
                elif token in own_tokens:
                    call = with_token(call, tokens.get(token, session.scene.token or ""))
                try:
                    observation = session.send(call)
                except Unreachable:
                    continue
                if (old_token := token_of(exchange)) is not None:
                    tokens[old_token] = token_of(observation.exchange) or ""
                yield exchange, observation
