"""Conversations with an oracle in memory: it observes entries of `recordings`; nothing is sent."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.belief.tokens import KnownTokens, TokenState
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.targets import Login
from crmcom_kit.contract_tests.oracle.expectations import expectation_of
from crmcom_kit.contract_tests.oracle.oracle import Observation, Oracle
from crmcom_kit.contract_tests.oracle.suspicions import Hypothesis, Suspicion
from crmcom_kit.schemas import API_PATH, resolve
from crmcom_kit.schemas.methods import methods
from helpers.recordings import IDENTIFIER, LOGIN, TOKEN, Entry, Response, entry, ok

_NAMES = {each.path: each.name for each in methods(resolve("R10")).values()}


def exchange(made: Entry, number: int = 1) -> Exchange:
    """Return the exchange that an entry writes down."""
    request, response = made["request"], made["response"]
    url = urlsplit(request["url"])
    path = url.path.removeprefix(f"{API_PATH}/")
    sent = request.get("postData", {}).get("text")
    body = None if sent is None else sent.encode("utf-8", "surrogatepass")
    headers = tuple((each["name"], each["value"]) for each in request["headers"])
    name = _NAMES.get(path.strip("/"), "")
    call = Call(name, request["method"], path, url.query, body, headers)
    return of_call(call, (response["status"], response["content"].get("text")), number)


def of_call(call: Call, response: Response, number: int = 1) -> Exchange:
    """Return the exchange of a call and its response."""
    status, text = response
    return Exchange(number, call, status, (), (text or "").encode("utf-8", "surrogatepass"), 0.0)


def request(verb: str, path: str, body: str | None = None, **headers: str) -> Entry:
    """Return a request in any form, and a response of success; see also ``recordings.logged``."""
    made = entry(verb, f"https://crm.example.com{API_PATH}/{path}", *ok({}))
    made["request"]["headers"] = [{"name": name, "value": text} for name, text in headers.items()]
    if body is not None:
        made["request"]["postData"] = {"text": body}
    return made


class Conversation:
    """A conversation so far, and the oracle that has observed it."""

    def __init__(
        self,
        *entries: Entry,
        release: str = "R13",
        knows_tokens: bool = True,
        knows_login: bool = True,
    ) -> None:
        """Observe entries; ``TOKEN`` is valid."""
        credentials = Login(**LOGIN, api_key="KEY") if knows_login else Login()
        self.belief = Belief(resolve(release), KnownTokens(credentials, knows_tokens))
        self.belief.tokens.note(TOKEN, TokenState.LIVE)
        self.oracle = Oracle(self.belief)
        self.exchanges: list[Exchange] = []
        self.suspicions: list[Suspicion] = []
        self.held: set[str] = set()
        for each in entries:
            self.hear(each)

    def hear(self, made: Entry) -> Observation:
        """Observe one entry; the oracle itself must not fail."""
        return self.observe(exchange(made, len(self.exchanges) + 1))

    def observe(self, one: Exchange) -> Observation:
        """Observe one exchange; the oracle itself must not fail."""
        found = self.oracle.observe(one)
        self.exchanges.append(one)
        self.suspicions += found.suspicions
        self.held |= set(found.held)
        assert found.errors == []
        return found

    def expected(self, made: Entry) -> str:
        """Return what a request must come to: "serve" or "refuse" with the statement, or "either".

        Nothing is observed, and the response does not matter.
        """
        found = expectation_of(exchange(made).call, self.belief)
        return found.must if found.must == "either" else f"{found.must} {found.statement}"

    @property
    def suspected(self) -> list[str]:
        """The statement that each suspicion puts first."""
        return [each.hypotheses[0].statement for each in self.suspicions]


def hypotheses(suspicion: Suspicion) -> list[str]:
    """Return each hypothesis as its statement and the kind of its confirmation, in their order."""
    return [f"{e.statement} {type(e).__name__}" for e in suspicion.hypotheses]


class Script:
    """An asker that takes its responses from a list, in turn, and has the oracle observe them."""

    def __init__(
        self,
        conversation: Conversation,
        responses: Sequence[Any] = (),
        *,
        repeats: Sequence[Sequence[Suspicion] | None] = (),
    ) -> None:
        """Know the responses, and what ``repeat`` comes to each time."""
        self.conversation = conversation
        self.belief = conversation.belief
        self.asked: list[Call] = []
        self.repeated: list[bool] = []  # whether idle
        self.kept: list[Suspicion] = []
        self._responses = list(responses)
        self._repeats = list(repeats)

    def ask(self, call: Call) -> tuple[Exchange, Sequence[Suspicion]]:
        """Take the next response."""
        response = self._responses.pop(0)
        response = response if isinstance(response, tuple) else ok(response)
        self.asked.append(call)
        found = of_call(call, response, len(self.conversation.exchanges) + 1)
        return found, self.conversation.observe(found).suspicions

    def call(self, method: str, parameters: Mapping[str, Any]) -> Exchange:
        """Take the next response to a method."""
        about = methods(self.belief.release)[method]
        return self.ask(build(about, {"token": TOKEN, **parameters}))[0]

    def queue_suspicions(self, suspicions: Sequence[Suspicion]) -> None:
        """Keep what is another matter."""
        self.kept += suspicions

    def fresh_records(self, state: str) -> Sequence[Record]:
        """Return what is known of webhook requests in a state."""
        return [known.typed for known in self.belief.records.existing() if known.state == state]

    def similar_records(self, exchange: Exchange) -> Sequence[Record]:
        """Return what is known of webhook requests in the state of the one that a request names."""
        ((form, name),) = json.loads(exchange.call.body or b"")[IDENTIFIER].items()
        (known,) = (known for known in self.belief.records.existing() if known.typed[form] == name)
        return self.fresh_records(str(known.state))

    def repeat(self, _: Exchange, *, idle: bool = False) -> Sequence[Suspicion] | None:
        """Return what the next repetition makes suspect."""
        self.repeated.append(idle)
        return self._repeats.pop(0)

    @property
    def is_used_up(self) -> bool:
        """Whether everything that was written down was asked for."""
        return not self._responses and not self._repeats

    def settle(self, suspicion: Suspicion, hypothesis: Hypothesis | None = None) -> bool:
        """Settle one hypothesis of a suspicion, the first one unless another is given."""
        one = hypothesis or suspicion.hypotheses[0]
        return one.settle(suspicion, self)
