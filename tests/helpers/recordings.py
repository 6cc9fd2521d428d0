"""Conversations with a server, written down as a HAR file: an entry each second."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sound_server.reading import Request
from sound_server.server import Reply, SoundServer

from crmcom_kit.contract_tests.options.options import DEFAULTS
from crmcom_kit.contract_tests.run.config import prepared
from crmcom_kit.contract_tests.run.recording import run_recording
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.schemas import API_PATH, resolve
from crmcom_kit.schemas.examples import examples
from crmcom_kit.schemas.methods import methods

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
HOST = "https://crm.example.com"
TOKEN, OTHER_TOKEN = "CAFED00D" * 4, "0DDBA115" * 4
LOGIN = {"username": "ann", "password": "Secret-31415926", "organisation": "ACME"}
IDENTIFIER = "webhook_request_identifier"
EXAMPLE = next(iter(examples("show_answer", resolve("R9")).values()))["value"]["data"]
_EXAMPLE = json.dumps(EXAMPLE)

Entry = dict[str, Any]
Response = tuple[int, str | None]  # HTTP status, body


def ok(data: Any) -> Response:
    """Return a response of success."""
    status = {"code": "OK", "message": "", "description": ""}
    return 200, json.dumps({"status": status, "data": data})


def refused(status: int = 400) -> Response:
    """Return an error."""
    return status, '{"status": {"code": "E.1", "message": "No.", "description": ""}, "data": null}'


def record(number: int, /, **changed: Any) -> dict[str, Any]:
    """Return a webhook request, REJECTED by default."""
    made: dict[str, Any] = json.loads(_EXAMPLE)
    made |= {"id": f"{number:032X}", "number": str(number), "life_cycle_state": "REJECTED"}
    made |= {"entity": "JOBS", "entity_id": "E1", "error_code": "X"} | changed
    if made["life_cycle_state"] == "SUCCESSFUL":
        made |= {"error_code": None, "error_description": None}
    return made


def created(moment: str, number: int = 1) -> dict[str, Any]:
    """Return a webhook request that was created at a moment."""
    dates = {"created_date": moment, "updated_date": moment}
    return record(number, log_information=EXAMPLE["log_information"] | dates)


#: Webhook requests, and what becomes of the first two.
ONE, TWO, THREE = record(1), record(2), record(3)
DONE, TWO_DONE = (record(number, life_cycle_state="SUCCESSFUL") for number in (1, 2))
MOVED = record(1, url="https://elsewhere.example")


def logged(method: str, given: Mapping[str, Any], response: Response, /, **more: Any) -> Entry:
    """Return a request and its response as a program records them; ``more`` goes into the entry."""
    about = methods(resolve("R15"))[method]
    status, text = response
    is_post = about.verb == "POST"
    pairs = {
        name: ",".join(f"{key}={each}" for key, each in value.items())
        if isinstance(value, Mapping)
        else value
        for name, value in given.items()
    }
    query = "" if is_post else f"?{urlencode(pairs, safe='=')}"
    made = entry(about.verb, f"{HOST}{API_PATH}/{about.path}{query}", status, text)
    if is_post:
        sent = json.dumps(given)
        made["request"] |= {"postData": {"mimeType": "", "text": sent}, "bodySize": len(sent)}
    return made | more


def entry(verb: str, url: str, status: int, text: str | None) -> Entry:
    """Return an entry as every program writes it, more or less."""
    content: Entry = {"size": len(text or ""), "mimeType": "application/json"}
    if text is not None:
        content["text"] = text
    headers = [{"name": "Content-Type", "value": "application/json"}]
    return {
        "time": 20.5,
        "request": {
            "method": verb,
            "url": url,
            "headers": [{"name": ":authority", "value": "crm.example.com"}],
            "bodySize": 0,
        },
        "response": {"status": status, "headers": headers, "content": content},
        "cache": {},
    }


def written_down(app: SoundServer) -> list[Entry]:
    """Return a list that a server's requests and responses are added to from now on."""
    found: list[Entry] = []
    handle = app.handle

    def tapped(request: Request) -> Reply:
        reply = handle(request)
        url = f"{HOST}{request.path}?{request.query}"
        made = entry(request.verb, url, reply.status, reply.body.decode())
        if request.body:
            made["request"] |= {"postData": {"text": request.body.decode()}}
        found.append(made)
        return reply

    app.handle = tapped  # type: ignore[method-assign]
    return found


def login(token: str = TOKEN, **given: Any) -> Entry:
    """Return a login that was served."""
    return logged("token", LOGIN | given, ok({"token": token}))


def key_login(credentials: str) -> Entry:
    """Return a login by a Web API key that was served."""
    made = logged("web_api_key_token", {}, ok({"token": TOKEN}))
    header = {"name": "Authorization", "value": f"Basic {credentials}"}
    made["request"]["headers"].append(header)
    del made["request"]["postData"]
    made["request"]["bodySize"] = 0
    return made


def show(response: Any, number: int = 1, *, token: str = TOKEN, **given: Any) -> Entry:
    """Return a show of a webhook request by its id; a response is an envelope or a record."""
    named = {"id": record(number)["id"]}
    return logged("show", {"token": token, IDENTIFIER: named, **given}, _pair(response))


def listed(response: Any, *, token: str = TOKEN, **filters: Any) -> Entry:
    """Return a list by filters; of all jobs without any."""
    return logged("list", {"token": token, **(filters or {"entity": "JOBS"})}, _pair(response))


def changed(method: str, response: Any, /, number: int = 1, **more: Any) -> Entry:
    """Return a resend or a delete."""
    given = {"token": TOKEN, IDENTIFIER: {"id": record(number)["id"]}}
    return logged(method, given, _pair(response), **more)


def _pair(response: Any) -> Response:
    return response if isinstance(response, tuple) else ok(response)


def archive(entries: Iterable[Any], creator: str = "mitmproxy", **more: Any) -> str:
    """Return entries as a HAR file; those without a time follow one each second.

    ``more`` goes into the log.
    """
    made: list[Any] = []
    for at, each in enumerate(entries, 1):
        when = (NOW + dt.timedelta(seconds=at)).isoformat()
        made.append({"startedDateTime": when, **each} if isinstance(each, Mapping) else each)
    log = {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": made}
    return json.dumps({"log": log | more})


def checked(folder: Path, *texts: str, **options: Any) -> Results:
    """Check texts as the files of one recording."""
    paths = [folder / f"{number}.har" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    given = {"from_har": tuple(map(str, paths)), **options}
    return run_recording(*prepared(DEFAULTS | given, now=NOW))


def broken(results: Results) -> set[str]:
    """Return the statements that are broken, of a run that has not failed."""
    assert results.trouble is None, results.trouble
    return {each.statement.id for each in results.statements if each.violations}


def held(results: Results) -> set[str]:
    """Return the statements that hold."""
    return {each.statement.id for each in results.statements if each.findings.held}


def mistakes(results: Results) -> list[str]:
    """Return the statements of the mistakes of a recording's client."""
    assert results.client is not None
    return [mistake.remark.statement for mistake in results.client.mistakes]
