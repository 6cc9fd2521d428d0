"""The parts of reference/methods.md that come from the contract's data."""

import json
from collections.abc import Iterator
from typing import Any

from reference_pages.markdown import codes

from crmcom_kit.schemas import API_PATH, load_dialect, load_schema, methods, resolve
from crmcom_kit.schemas.dialect import error_kinds, statement_of_error
from crmcom_kit.schemas.examples import examples
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.methods import Method, Parameter
from crmcom_kit.schemas.openapi import error_statuses
from crmcom_kit.schemas.releases import Release, entities_since, release_names
from crmcom_kit.schemas.statements import Statement, statements

#: A client logs in first.
_ORDER = (
    *("token", "web_api_key_token", "token_release"),
    *("show", "list", "resend", "delete"),
)

#: The ends of ids of statements that say no more than the rest of a method's section.
_SAID_ALREADY = (
    *(".available", ".deprecated", "parameters.mandatory", ".optional_parameters"),
    *("identifier.fields", "identifier.selects", ".filter", ".supported_values"),
    *(".paging.number_of_results", ".paging.offset"),
    *(".sends_again", ".returns_record", ".several_results", ".returns_token"),
)

#: The first words of the dials that decide what one method does.
_DIALS = {
    "token": ("login", "tokens"),
    "list": ("list", "paging"),
    "resend": ("resend", "delivery"),
    "delete": ("delete",),
}


def requests_text() -> str:
    """Return links to the dials about every request."""
    return dials_of("requests", "identifiers", "fields_set", "envelope")


def methods_text() -> str:
    """Return a section for each method: parameters, rules, errors and dials."""
    by_name = methods(_newest())
    lines: list[str] = []
    said: set[str] = set()
    for method in (by_name[name] for name in _ORDER):
        rules = [rule for rule in _rules(method) if rule.id not in said]
        said |= {rule.id for rule in rules if rule.id.startswith(("login.", "identifier."))}
        lines += [f"## {method.verb} {method.path}", ""]
        lines += [f"{method.summary} {_life(method)}", ""]
        lines += ["```text", _request(method), "```", ""]
        lines += [_entry(method, parameter) for parameter in method.parameters.values()]
        lines += ["", f"**Returns:** {load_schema(method.response_schema)['description']}", ""]
        lines += ["**Rules:**", "", *(f"- {_rule(rule, method)}" for rule in rules), ""]
        if own_errors := codes(_own_errors(method)):
            lines += [f"**[Errors](#errors):** {own_errors}.", ""]
        if method.name in _DIALS:
            lines += [dials_of(*_DIALS[method.name]), ""]
    return "\n".join(lines)


def record_text() -> str:
    """Return the fields of a webhook request, one as a whole, and a table of its entities."""
    schema = load_schema("webhook_request_selection")
    lines: list[str] = []
    for name, piece in schema["properties"].items():
        shared = schema["$defs"][piece["$ref"].rpartition("/")[2]] if "$ref" in piece else {}
        field = shared | piece
        members = codes(field.get("properties", ()))
        meaning = field["description"] + (f" Members: {members}." if members else "")
        kinds = [field["type"]] if isinstance(field["type"], str) else field["type"]
        lines.append(f"- **`{name}`** ({' or '.join(kinds)}): {meaning}")
    shown = dict(examples("show_answer", resolve(release_names()[0]))["number_7"]["value"]["data"])
    shown["error_description"] = "org.hibernate.LazyInitializationException: …"
    lines += ["", "This is a whole one, as R9 shows it. A date has no zone.", ""]
    lines += ["```json", json.dumps(shown, indent=1, ensure_ascii=False), "```"]
    since: dict[str, list[str]] = {}
    for entity, release in entities_since().items():
        since.setdefault(release, []).append(entity)
    lines += ["", dials_of("record", "dates", "signing"), "", "### Entities", ""]
    lines += ["| from | entities |", "|---|---|"]
    lines += [f"| {release} | {codes(entities)} |" for release, entities in since.items()]
    return "\n".join(lines)


def errors_text() -> str:
    """Return message and code of each kind of error, and the dials about all of them."""
    lines: list[str] = []
    for kind, entry in error_kinds().items():
        message = entry["message"]
        if "like" in entry:
            message += f" A special case of `{entry['like']}`, as its name says."
        lines += [f"- **`{kind}`**: {message}  ", f"  `{entry['code']}`"]
    return "\n".join([*lines, "", dials_of("errors")])


def releases_text() -> str:
    """Return a table of what each release added, without those that added nothing."""
    entries = read_json("data/releases.json")["releases"]
    added = [(each["release"], "; ".join(each["notes"])) for each in entries if each["notes"]]
    return "\n".join(
        ["| release | what is new |", "|---|---|", *(f"| {name} | {new} |" for name, new in added)]
    )


def overview_text() -> str:
    """Return a list of the methods, each with a link to its section."""
    lines: list[str] = []
    for method in map(methods(_newest()).__getitem__, _ORDER):
        title = f"{method.verb} {method.path}"
        anchor = title.lower().replace(" ", "-").replace("/", "")
        lines.append(f"- [{title}](#{anchor}): {method.summary}")
    return "\n".join(lines)


def _newest() -> Release:
    return resolve(release_names()[-1])


def _whole(method: Method) -> dict[str, Any]:
    """Return the schema of a method's parameters in all releases."""
    return load_schema(f"{method.name}_parameters")


def _since(method: Method) -> str:
    return str(_whole(method)["x-method"].get("since", release_names()[0]))


def _life(method: Method) -> str:
    old = _whole(method)["x-method"].get("deprecated_since")
    return f"Available from {_since(method)}" + (f", deprecated from {old}." if old else ".")


def _request(method: Method) -> str:
    """Return the first example of a request, with a word for the token."""
    example = next(iter(examples(f"{method.name}_request", _newest()).values()))["value"]
    sent = example | ({"token": "TOKEN"} if "token" in example else {})
    path = f"{API_PATH}/{method.path}"
    if method.verb != "GET":
        key = "\nAuthorization: Basic BASE64(KEY:)" if method.basic else ""
        return f"{method.verb} {path}{key}\n\n{json.dumps(sent, indent=2)}"
    pairs = [
        f"{name}={'='.join(*value.items()) if isinstance(value, dict) else value}"
        for name, value in sent.items()
    ]
    return f"{method.verb} {path}\n  ?" + "\n  &".join(pairs)


def _entry(method: Method, parameter: Parameter) -> str:
    since = _whole(method)["properties"][parameter.name].get("x-since")
    need = "inferred mandatory" if parameter.need == "token" else parameter.need
    kind = f"identifier by {codes(parameter.fields, 'or')}" if parameter.fields else parameter.type
    new = f", from {since}" if since else ""
    about = parameter.description
    if parameter.choices == _newest().entities:
        about += " One of the [entities](#entities) of the release."
    return f"- **`{parameter.name}`** ({need}, {kind}{new}): {about}"


def _rules(method: Method) -> Iterator[Statement]:
    """Yield the statements about what is this method's own that its section does not say yet."""
    topics = (method.name, "login", "identifier")
    for statement in statements():
        is_own = statement.id.partition(".")[0] in topics and method.name in statement.methods
        if is_own and not statement.id.endswith(_SAID_ALREADY):
            yield statement


def _rule(statement: Statement, method: Method) -> str:
    """Return a statement's text, with its releases unless they are those of the method."""
    since = f"from {statement.since}" if statement.since != _since(method) else ""
    until = f"until {statement.until}" if statement.until else ""
    when = " ".join(filter(None, (since, until)))
    return f"{when[0].upper()}{when[1:]}: {statement.text}" if when else statement.text


def _own_errors(method: Method) -> Iterator[str]:
    """Yield the kinds of error about this method; others are about any request."""
    for kinds in error_statuses(method, _newest(), load_dialect()).values():
        for kind in kinds:
            statement = statement_of_error(kind, method.name)
            topics = (method.name, "login", "identifier", "fields_set")
            if statement == "parameters.mandatory" or statement.partition(".")[0] in topics:
                yield kind


def dials_of(*groups: str) -> str:
    """Return links to the dials of some groups."""
    return f"**Dials:** {', '.join(f'[{group}](dials.md#{group})' for group in groups)}."
