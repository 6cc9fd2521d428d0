"""The options of a run: one table for the command and for pytest."""

import fnmatch
import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crmcom_kit.redaction import redact_url

DEFAULT_TIMEOUT = 30.0  # seconds
DEFAULT_MAX_TIME = 600.0  # seconds
#: No wait of a run is longer, for an answer or between two requests, in seconds.
_LONGEST = 86_400
#: What may be changed with ``--allow``.
CHANGES = ("resend", "delete")


#: What the help is divided into, in its order.
TARGET, LOGIN, CHANGED = "Target", "Login", "What may be changed"
BUDGET, CHECKED, REPORTS, RECORDINGS = "Budget", "What is checked", "Reports", "Recordings"
HEADINGS = (TARGET, LOGIN, CHANGED, BUDGET, CHECKED, REPORTS, RECORDINGS)


class OptionsError(ValueError):
    """An option that cannot be followed; the text names it, what was seen and what is allowed."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: ``--name`` of the command, ``--crmcom-name`` of pytest, maybe ``CRMCOM_NAME``."""

    name: str
    heading: str  # one of HEADINGS
    help: str
    type: type = str  # str, int, float; bool is a flag
    metavar: str | None = None
    default: Any = None
    minimum: float = 0  # of a number
    maximum: float = math.inf
    repeats: bool = False
    variable: bool = False  # may also come from the environment
    secret: bool = False  # never shown
    of_recordings: bool = False  # makes sense if recorded traffic is judged

    @property
    def key(self) -> str:
        """The option's name as an identifier."""
        return self.name.replace("-", "_")

    @property
    def envvar(self) -> str | None:
        """The environment variable that gives it, or None."""
        return f"CRMCOM_{self.key.upper()}" if self.variable else None

    @property
    def is_about_server(self) -> bool:
        """Whether its variable is about a server that is asked: a recording leaves it aside."""
        return self.variable and self.name != "release"

    def is_given(self, values: Mapping[str, Any]) -> bool:
        """Whether the option has another value than its default."""
        value = values[self.key]
        return bool(value) if self.repeats else value not in (None, self.default)


OPTIONS = (
    Option(
        "base-url", TARGET,
        "Base URL of the server, such as https://host/crmapi/rest/v2. Without it, a mock is "
        "started and checked.",
        metavar="URL", variable=True, of_recordings=True,
    ),
    Option(
        "release", TARGET,
        "Release that the server should conform to, R9 or newer; an unknown version counts as "
        "the newest known release before it.",
        metavar="R", default="R9", variable=True, of_recordings=True,
    ),
    Option(
        "dialect", TARGET,
        "Dialect of the mock that is started without --base-url: a name or a file.",
        metavar="NAME|FILE", default="default",
    ),
    Option(
        "admin-token", TARGET,
        "Admin token of a crmcom-kit mock on this machine; needed to create a world for the "
        "run.",
        metavar="TOKEN", variable=True, secret=True,
    ),
    Option("username", LOGIN, "User name; needs the next two.", metavar="NAME", variable=True),
    Option("password", LOGIN, "Password of the user.", metavar="TEXT", variable=True, secret=True),
    Option("organisation", LOGIN, "Organisation of the user.", metavar="NAME", variable=True),
    Option(
        "api-key", LOGIN, "Web API key, instead of a user.",
        metavar="KEY", variable=True, secret=True,
    ),
    Option("unit", LOGIN, "ID of the unit to act for.", metavar="ID", variable=True),
    Option(
        "token", LOGIN, "An existing, valid token, instead of a login.",
        metavar="TOKEN", variable=True, secret=True,
    ),
    Option(
        "allow", CHANGED,
        "Methods that may change webhook requests: resend or delete, or both as "
        "resend,delete; or none. By default the run is read-only, except in a separate world "
        "of a crmcom-kit mock on this machine.",
        metavar="METHODS",
    ),
    Option(
        "only-definition", CHANGED,
        "Change only webhook requests of the definition with this name.",
        metavar="NAME",
    ),
    Option(
        "only-entity-id", CHANGED, "Change only webhook requests about the entity with this ID.",
        metavar="ID",
    ),
    Option(
        "only-number", CHANGED, "Change only the webhook request with this number. Repeatable.",
        metavar="N", repeats=True,
    ),
    Option(
        "all-records", CHANGED, "Allow changes to any webhook request.",
        type=bool, default=False,
    ),
    Option(
        "ledger", CHANGED,
        "Append each webhook request to this file before it is changed for the first time.",
        metavar="FILE",
    ),
    Option(
        "dry-run", CHANGED, "Print the planned requests; send nothing.",
        type=bool, default=False,
    ),
    Option(
        "max-requests", BUDGET, "Maximum number of requests to send.",
        type=int, metavar="N", minimum=1,
    ),
    Option(
        "rate", BUDGET, "Maximum number of requests per second.",
        type=float, metavar="N", minimum=1 / _LONGEST,
    ),
    Option(
        "max-time", BUDGET,
        "Maximum duration of the run in seconds. It then reports what it has seen so far. "
        "With --rate, the run plans for the number of requests that fit into this time.",
        type=float, default=DEFAULT_MAX_TIME, metavar="S", minimum=1, maximum=_LONGEST,
    ),
    Option(
        "timeout", BUDGET, "Seconds to wait for a response.",
        type=float, default=DEFAULT_TIMEOUT, metavar="S", minimum=0.001, maximum=_LONGEST,
    ),
    Option(
        "seed", BUDGET, "Seed of the generated requests; the same seed repeats a run.",
        type=int, default=0, metavar="N",
    ),
    Option(
        "only", CHECKED, "Check only statements whose ID matches this pattern, such as 'list.*'.",
        metavar="GLOB", default="*", of_recordings=True,
    ),
    Option(
        "deviations", CHECKED,
        "TOML file of known deviations; `crmcom-kit check --write-deviations` drafts one.",
        metavar="FILE", of_recordings=True,
    ),
    Option(
        "secret-key", CHECKED,
        "Secret key of the webhook definition with this ID, to check authentication codes. "
        "Repeatable.",
        metavar="ID=KEY", repeats=True, secret=True,
    ),
    Option(
        "from-har", RECORDINGS,
        "Check the traffic in this HAR file, and send nothing. Repeatable: several files "
        "count as one recording. With --base-url: only requests below that URL.",
        metavar="FILE", repeats=True, of_recordings=True,
    ),
)  # fmt: skip


def check_values(values: Mapping[str, Any]) -> None:
    """Refuse values that no run can follow, by name. Raises OptionsError."""
    # Here, since pytest imports this module in every run for the options' names.
    from crmcom_kit.schemas.statements import checked_statements, statements

    for option in OPTIONS:
        _check_value(option, values)
    _check_url(values["base_url"])
    for name in allowed_changes(values):
        if name not in CHANGES:
            raise OptionsError(_text("allow", name, f"{', '.join(CHANGES)} or none"))
    if not checked_statements(only=values["only"]):
        for each in statements():
            if fnmatch.fnmatchcase(each.id, values["only"]):
                msg = f"--only: no request can test {each.id}: {each.unchecked}"
                raise OptionsError(msg)
        allowed = "a pattern that matches a statement's id, such as 'list.*'"
        raise OptionsError(_text("only", values["only"], allowed))
    secret_keys(values)
    _check_login(values)
    _check_scope(values)


def _check_value(option: Option, values: Mapping[str, Any]) -> None:
    """Refuse a number out of bounds, a text that cannot be sent, and what a recording rules out."""
    given = values[option.key]
    if values["from_har"] and not option.of_recordings and option.is_given(values):
        msg = f"--{option.name} is not allowed with --from-har, which sends nothing"
        raise OptionsError(msg)
    if option.type in (int, float) and given is not None:
        if not (option.minimum <= given <= option.maximum and math.isfinite(given)):
            allowed = f"a number from {option.minimum:.2g} "
            allowed += "on" if option.maximum == math.inf else f"to {option.maximum:g}"
            raise OptionsError(_text(option.name, given, allowed))
        return
    for each in given if option.repeats else [given]:
        if isinstance(each, str) and each.encode("utf-8", "replace").decode() != each:
            msg = f"--{option.name}: a string that is not UTF-8 is not allowed"
            raise OptionsError(msg)


def secret_keys(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the secret keys that were given, by definition id. Raises OptionsError."""
    found = {}
    for text in values["secret_key"]:
        definition, equals, key = text.partition("=")
        if not (definition and equals and key):
            raise OptionsError(_text("secret-key", "a value of another form", "ID=KEY"))
        found[definition] = key
    return found


def allowed_changes(values: Mapping[str, Any]) -> frozenset[str]:
    """Return the changing methods that ``--allow`` names."""
    parts = [part.strip() for part in (values["allow"] or "").split(",")]
    return frozenset(part for part in parts if part) - {"none"}


def is_scoped(values: Mapping[str, Any]) -> bool:
    """Whether the options say which webhook requests may be changed."""
    return bool(values["all_records"]) or _is_narrowed(values)


def _is_narrowed(values: Mapping[str, Any]) -> bool:
    return any(values[name] for name in ("only_definition", "only_entity_id", "only_number"))


def _check_login(values: Mapping[str, Any]) -> None:
    user = ("username", "password", "organisation")
    given = [name for name in user if values[name]]
    if given and len(given) < len(user):
        missing = next(name for name in user if not values[name])
        msg = f"--{missing} is missing: a login needs user name, password and organisation"
        raise OptionsError(msg)
    named = [*given, *(name for name in ("token", "api_key") if values[name])]
    if values["base_url"] and not named and not values["from_har"]:
        msg = "no login: give --token, --username with --password and --organisation, or --api-key"
        raise OptionsError(msg)
    if values["base_url"] is None and named:
        msg = f"--base-url is missing, and --{named[0].replace('_', '-')} is for a server: give "
        msg += "its base URL, or remove the login to start and check a mock"
        raise OptionsError(msg)


def _check_scope(values: Mapping[str, Any]) -> None:
    if _is_narrowed(values) and values["all_records"]:
        msg = "--all-records and --only-… cannot be combined; give one of them"
        raise OptionsError(msg)
    if values["base_url"] and allowed_changes(values) and not is_scoped(values):
        msg = "--allow needs a scope: one of --only-definition, --only-entity-id, --only-number, "
        msg += "or --all-records"
        raise OptionsError(msg)


def _check_url(url: str | None) -> None:
    if url is None:
        return
    if not url.strip():
        msg = "--base-url is empty: give the server's base URL, or omit it and unset "
        msg += "CRMCOM_BASE_URL to start and check a mock"
        raise OptionsError(msg)
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")  # which is how it will be looked up
        usable = parts.scheme in ("http", "https") and host and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username or parts.password:
        allowed = "an http or https URL without user, query and fragment"
        quoted = redact_url(url) if "@" not in url else "a URL with a user in it"
        raise OptionsError(_text("base-url", quoted, allowed))


def _text(name: str, seen: object, allowed: str) -> str:
    return f"--{name}: {seen!r} is not allowed; allowed is {allowed}"


def nondefault_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that differ from their defaults, for reports; secrets are left out."""
    return {
        option.name: list(values[option.key]) if option.repeats else values[option.key]
        for option in OPTIONS
        if option.is_given(values) and not option.secret
    }


def command_line(values: Mapping[str, Any]) -> str:
    """Return the command that repeats a run; secrets come from the environment."""
    return " ".join(["crmcom-kit", "check", *_words(values)])


def _words(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in nondefault_options(values).items():
        if value is True:
            yield f"--{name}"
            continue
        for each in value if isinstance(value, list) else [value]:
            yield f"--{name} {shlex.quote(str(each))}"
