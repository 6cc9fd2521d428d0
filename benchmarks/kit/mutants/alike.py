"""Measure how alike a calibrated mock is: ``make measure PART=alike``.

Each server in ``blind/instances`` is calibrated with changes allowed (``ARGS=--read-only``:
without). Then it starts anew, and it and a mock with the profile get the same fresh requests, one
after the other.
"""

import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import blind
import click

from crmcom_kit.contract_tests.calibration.calibrate import Calibration, learn_profile
from crmcom_kit.contract_tests.calibration.comparing import ENDED_TOKEN
from crmcom_kit.contract_tests.calibration.replaying import MockReplayer
from crmcom_kit.contract_tests.calibration.report import is_documented
from crmcom_kit.contract_tests.client.calls import JSON, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.client.http import Limits, ask_once
from crmcom_kit.contract_tests.client.targets import Login, Target
from crmcom_kit.contract_tests.options.scope import EVERYTHING
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.run import run
from crmcom_kit.schemas.members import value_at
from crmcom_kit.schemas.releases import resolve

INSTANCES = sorted((Path(blind.__file__).parent / "instances").glob("*.py"))
LOGIN = {"username": "integration", "password": "blind-1-pass", "organisation": "BLIND"}
BASE = "/crmapi/rest/v2"
WEBHOOKS, IDENTIFIER = "webhook_requests/", "webhook_request_identifier"
OBJECTS = ("webhook_definition", "workflow_rule")
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
Parameters = dict[str, Any]
FRESH = 600  # requests to compare a server and its mock with


@contextmanager
def served(script: Path) -> Iterator[Target]:
    """Start a server, and yield it as a target."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, str(script), "--port", str(port), "--seed", "1"]
    process = subprocess.Popen(  # noqa: S603 - a script that the caller names
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        if "READY" not in next(iter(process.stdout), ""):
            msg = f"{script} does not start"
            raise click.ClickException(msg)
        url = f"http://127.0.0.1:{port}{BASE}"
        yield Target(
            name=script.parent.name, base_url=url, release=resolve("R9"), login=Login(**LOGIN)
        )
    finally:
        process.kill()
        process.wait()


# Fresh requests: drawn by what a client knows, not by the kit's templates.


class Client:
    """Draws requests of a client, right and wrong ones, from what it has seen."""

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Draw from webhook requests by id."""
        self.random = Random(1001)
        self.records = {key: dict(each) for key, each in records.items()}
        self.gone: list[Mapping[str, Any]] = []
        self.sent_again: list[Mapping[str, Any]] = []
        self.token = ""

    def draw(self) -> Call:
        """Return the next request."""
        kinds: list[tuple[int, Callable[[], Call]]] = [
            (30, self.a_list), (18, self.a_show), (8, self.a_resend), (5, self.a_delete),
            (12, self.a_refused_one), (6, self.a_wrong_list), (4, self.of_the_past),
            (4, self.a_body), (4, self.a_login), (9, self.an_odd_one),
        ]  # fmt: skip
        (kind,) = self.random.choices([each for _, each in kinds], [weight for weight, _ in kinds])
        return kind()

    def see(self, exchange: Exchange) -> None:
        """Take in what the server has responded."""
        if not exchange.ok:
            return
        for record in exchange.records:
            key = record.get("id")
            if exchange.call.method == "delete" and key in self.records:
                self.gone.append(self.records.pop(key))
            elif exchange.call.method == "resend" and key in self.records:
                self.sent_again.append(record)
            if key in self.records and "life_cycle_state" in record:
                self.records[key] |= record

    def one(self, state: str = "") -> Mapping[str, Any]:
        """Return a webhook request, of a state if there is one."""
        every = [*self.records.values()]
        return self.random.choice(
            [each for each in every if each["life_cycle_state"] == state] or every
        )

    def named(self, record: Mapping[str, Any]) -> Parameters:
        """Return a parameter that names a webhook request."""
        form = self.random.choice(("id", "number"))
        return {IDENTIFIER: {form: record[form]}}

    def call(self, method: str, parameters: Parameters, **more: Any) -> Call:
        """Return a request with the token, unless another one is given."""
        given = {"token": self.token, **parameters}
        given = {name: value for name, value in given.items() if value is not None}
        if method in ("show", "list"):
            text = query(given)
            call = Call(method, "GET", WEBHOOKS + method, text, parameters=given)
        else:
            body = json.dumps(given).encode()
            call = Call(method, "POST", WEBHOOKS + method, "", body, JSON, given)
        return replace(call, **more)

    def filters(self) -> Parameters:
        """Return filters that a webhook request fits, most of them, and a page."""
        record, choice = self.one(), self.random.choice
        names = self.random.sample(
            ("entity", "entity", "entity_id", *OBJECTS), self.random.choice((1, 1, 2))
        )
        given: Parameters = {}
        for name in dict.fromkeys(names):
            if name in OBJECTS:
                form = choice(("id", "name", "alternative_code"))
                text = value_at(record, f"{name}.{form}")
                given |= {f"{name}_identifier": {form: text}} if text else {}
            else:
                given[name] = record[name]
        if not given:
            given = {"entity": record["entity"]}
        if self.random.random() < 0.3:
            given["life_cycle_state"] = choice(("SUCCESSFUL", "REJECTED"))
        if self.random.random() < 0.2:
            given["url"] = record["url"]
        if self.random.random() < 0.2:
            created = str(value_at(record, "log_information.created_date"))
            given["created_date"] = choice((created, created[:10]))
        if self.random.random() < 0.15:
            given["fields_set"] = choice(("id,number", "number", "url,entity", "response,id"))
        return given

    def a_list(self) -> Call:
        """List by filters."""
        return self.call("list", self.filters())

    def a_show(self) -> Call:
        """Show one."""
        fields = {"fields_set": self.random.choice(("id,url", "number,request,response"))}
        return self.call(
            "show", self.named(self.one()) | (fields if self.random.random() < 0.3 else {})
        )

    def a_resend(self) -> Call:
        """Send one again, mostly a rejected one."""
        return self.call(
            "resend", self.named(self.one(self.random.choice(("REJECTED",) * 4 + ("",))))
        )

    def a_delete(self) -> Call:
        """Delete one."""
        return self.call("delete", self.named(self.one()))

    def of_the_past(self) -> Call:
        """Name one that was deleted, or was sent again already."""
        if self.gone and self.random.random() < 0.6:
            method = self.random.choice(("show", "resend", "delete"))
            return self.call(method, self.named(self.random.choice(self.gone)))
        if self.sent_again:
            return self.call("resend", self.named(self.random.choice(self.sent_again)))
        return self.a_show()

    def a_refused_one(self) -> Call:
        """Break a rule of show, resend or delete."""
        method, record = self.random.choice(("show", "show", "resend", "delete")), self.one()
        both = {name: record[name] for name in ("id", "number")}
        wrong: list[Parameters] = [
            {IDENTIFIER: {"id": f"{self.random.getrandbits(128):032X}"}},
            {IDENTIFIER: {"number": str(self.random.randint(10**8, 10**9))}},
            {}, {IDENTIFIER: both}, {IDENTIFIER: {"entity_id": record["entity_id"]}},
            {IDENTIFIER: {"id": ""}}, {IDENTIFIER: {}},
            {"token": None, **self.named(record)}, {"token": "NOSUCHTOKEN", **self.named(record)},
            {"token": "", **self.named(record)},
        ]  # fmt: skip
        return self.call(method, self.random.choice(wrong))

    def a_wrong_list(self) -> Call:
        """Break a rule of list."""
        record = self.one()
        wrong: list[Parameters] = [
            {}, {"url": record["url"]}, {"life_cycle_state": "REJECTED"}, {"entity": "NOSUCH"},
            {"entity": record["entity"], "life_cycle_state": "FAILED"},
            {"webhook_definition_identifier": {"name": "no such hook"}},
            {"workflow_rule_identifier": {"id": f"{self.random.getrandbits(128):032X}"}},
            {"entity": record["entity"], "created_date": "soon"},
            {"entity": ""}, {"entity": record["entity"], "url": ""},
            {"webhook_definition_identifier": {}}, {"webhook_definition_identifier": {"x": "1"}},
        ]  # fmt: skip
        return self.call("list", self.random.choice(wrong))

    def a_body(self) -> Call:
        """Send a body that is no object, to a method of webhook requests or to the login."""
        bodies: list[tuple[bytes, Any]] = [
            (b"[]", JSON), (b'[{"token": "x"}]', JSON), (b"", JSON), (b"no json", JSON),
            (b"{", JSON), (b"null", JSON), (b'"text"', JSON), (b"7", JSON),
            (query({"token": self.token, "number": "1"}).encode(), FORM),
        ]  # fmt: skip
        body, headers = self.random.choice(bodies)
        method = self.random.choice(("resend", "delete", "token"))
        path = "authentication/token" if method == "token" else WEBHOOKS + method
        return Call(method, "POST", path, "", body, headers)

    def a_login(self) -> Call:
        """Log in wrongly, without a parameter, or by a method that may not exist."""
        left_out = self.random.choice([*LOGIN])
        given: list[tuple[str, str, Parameters]] = [
            ("token", "token", {**LOGIN, "password": "wrong"}),
            ("token", "token", {**LOGIN, "organisation": "OTHER"}),
            ("token", "token", {name: v for name, v in LOGIN.items() if name != left_out}),
            ("token", "token", {**LOGIN, left_out: ""}),
            ("token", "token", {**LOGIN, "unit": "NOSUCHUNIT"}),
            ("token_release", "token/release", {"token": "NOSUCHTOKEN"}),
            ("token_release", "token/release", {}),
            ("web_api_key_token", "web_api_key/token", {}),
        ]
        method, path, parameters = self.random.choice(given)
        body = json.dumps(parameters).encode()
        return Call(method, "POST", f"authentication/{path}", "", body, JSON, parameters)

    def an_odd_one(self) -> Call:
        """Send what no page mentions."""
        record = self.one()
        by_id, entity = {IDENTIFIER: {"id": record["id"]}}, {"entity": record["entity"]}
        show = self.call("show", by_id)
        lists = self.call("list", entity)
        posted = json.dumps({"token": self.token, **by_id}).encode()
        odd: list[Call] = [
            self.call("show", {**by_id, "nosuch": "1"}), self.call("list", {**entity, "x": "1"}),
            self.call("show", {**by_id, "fields_set": "number,nosuch"}),
            self.call("show", {**by_id, "fields_set": ""}),
            self.call("show", {**by_id, "fields_set": "number, url"}),
            self.call("show", {**by_id, "fields_set": "log_information.created_date"}),
            self.call("list", {"entity": record["entity"].lower()}),
            self.call("list", {"entity": f"{record['entity']},JOBS"}),
            self.call("list", {**entity, "number_of_results": "0"}),
            self.call("list", {**entity, "number_of_results": "many"}),
            self.call("list", {**entity, "offset": "-1"}),
            replace(show, query=f"{show.query}&{IDENTIFIER}=number={record['number']}"),
            replace(show, query=f"{show.query}&fields_set=id&fields_set=url"),
            replace(lists, query=f"{lists.query}&entity=JOBS"),
            replace(show, verb="POST", query="", body=posted, headers=JSON),
            Call("resend", "GET", f"{WEBHOOKS}resend", show.query),
            replace(show, verb="PUT"), replace(lists, verb="DELETE"),
            Call("", "GET", f"{WEBHOOKS}nosuch", show.query),
            Call("", "GET", "nosuch/list", lists.query),
            replace(show, path=f"{show.path}/"),
            self.call("resend", {IDENTIFIER: {"number": 10**9}}),
            self.call("delete", {IDENTIFIER: f"number={10**9}"}),
        ]  # fmt: skip
        return self.random.choice(odd)


# The measure.


def calibration_of(script: Path, *, reads: bool) -> Calibration:
    """Return what a run learns of a server."""
    changes = frozenset[str]() if reads else frozenset({"resend", "delete"})
    config = RunConfig(
        limits=Limits(max_requests=1500), allowed=changes, scope=EVERYTHING, is_check=False
    )
    with served(script) as target:
        return learn_profile(run(target, config))


def compared(script: Path, calibration: Calibration) -> Iterator[tuple[Call, bool, list[str]]]:
    """Send fresh requests; yield each, whether it is documented, and in what responses differ."""
    comparison = calibration.log.comparison()
    comparison.unsteady = frozenset()
    client = Client(calibration.log.first_seen)
    mock = MockReplayer(calibration.profile, Login(**LOGIN), calibration.log.began)
    counted: set[tuple[str, str]] = set()
    with served(script) as target:
        limits, numbers = Limits(), count(1)
        body = json.dumps(LOGIN).encode()
        login = Call("token", "POST", "authentication/token", "", body, JSON, LOGIN)
        for call in [login] + [None] * FRESH:
            found = ask_once(target, call or client.draw(), limits)
            assert found is not None, f"{target.name} does not respond"
            found = found.changed(number=next(numbers))
            other = mock.respond(found)
            client.token = token_of(found) or client.token if call else client.token
            client.see(found)
            differences = comparison.differences(found, other)
            if any(each.aspect == ENDED_TOKEN for each in differences):
                continue
            new = [each for each in differences if (each.aspect, each.record) not in counted]
            counted |= {(each.aspect, each.record) for each in new if each.record}
            kinds = [f"{found.call.method or 'path'}: {each.kind}" for each in new]
            yield found.call, is_documented(found, target.release), kinds


@click.command()
@click.option("--read-only", is_flag=True, help="Calibrate without resend and delete.")
def main(*, read_only: bool) -> None:
    """Calibrate each server, and print how much of fresh requests differs, and why."""
    for script in INSTANCES:
        began = process_time()
        calibration = calibration_of(script, reads=read_only)
        seconds = process_time() - began
        causes, counts, different = Counter[str](), Counter[str](), Counter[str]()
        for call, documented, kinds in compared(script, calibration):
            groups = ["all", *(["documented"] if documented else [])]
            groups += ["reads"] if documented and call.method not in ("resend", "delete") else []
            counts.update(groups)
            different.update(groups if kinds else ())
            causes.update({kind if documented else f"{kind} (open)" for kind in kinds})
        shares = (
            f"{name} {different[name] / counts[name]:.1%} of {counts[name]}" for name in counts
        )
        click.echo(f"{script.stem} differs: {', '.join(shares)}")
        click.echo(f"  {seconds:.0f} s of CPU to calibrate")
        for cause, times in causes.most_common(40):
            click.echo(f"  {times:4} {cause}")


if __name__ == "__main__":
    main()
