"""The options of a run: one table for the commands and for pytest."""

import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crmcom_kit.contract_tests.options.scope import NOTHING, Scope
from crmcom_kit.redaction import redact_url

DEFAULT_MAX_TIME = 600.0  # seconds
#: The maximum number of logins, beside the one that a run needs, to a server that it did not make.
FEW_LOGINS = 1
#: The maximum time between two requests, and of a whole run, in seconds.
_LONGEST = 86_400
#: The methods that change webhook requests, as ``--allow`` names them.
CHANGES = ("resend", "delete")
#: What ``[[not_seen]]`` may list beside methods.
SUCCESSFUL_RESEND = "successful_resend"

#: The commands that share the table. What is checked, and reports, are options of ``check`` alone.
COMMANDS = CHECK, CALIBRATE, DIFF = "check", "calibrate", "diff"
CHANGING = (CHECK, CALIBRATE)  # those that may change webhook requests

#: The values of ``--side``.
SIDES = ("both", "client", "server")

#: The headings of the help. An option's heading also says which commands and runs it is for.
TARGET, CREDENTIALS, CHANGED = "Target", "Credentials", "What may be changed"
BUDGET, CHECKED, RECORDINGS, REPORTS = "Budget", "What is checked", "Recordings", "Reports"
#: Headings of options that make no sense for recorded traffic, since nothing is sent.
OF_REQUESTS = (CREDENTIALS, CHANGED, BUDGET)


class OptionsError(ValueError):
    """An option with a wrong value; the text names it, what was seen and what is allowed."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: ``--name`` of a command, ``--crmcom-name`` of pytest."""

    name: str
    heading: str  # in the help
    metavar: str | None
    help: str
    type: type = str  # str, int, float; bool is a flag
    default: Any = None
    minimum: float = 0  # of a number
    maximum: float = math.inf
    repeats: bool = False
    commands: tuple[str, ...] = COMMANDS  # those that have it
    is_rare: bool = False  # whether the help only names it
    is_variable: bool = False  # whether only its environment variable gives it

    @property
    def key(self) -> str:
        """The option's name as an identifier."""
        return self.name.replace("-", "_")

    @property
    def label(self) -> str:
        """What messages call it."""
        return str(self.envvar) if self.is_variable else f"--{self.name}"

    @property
    def envvar(self) -> str | None:
        """The environment variable that all commands share, or None."""
        is_shared = self.heading in (TARGET, CREDENTIALS)
        return f"CRMCOM_{self.key.upper()}" if is_shared else None

    @property
    def is_of_server(self) -> bool:
        """Whether it is the URL of a server or a credential: a recording ignores its variable."""
        return self.envvar is not None and self.name != "release"

    def in_environment(self) -> str | tuple[str, ...] | None:
        """Return the value of its variable; None if that is unset or empty."""
        text = os.environ.get(self.envvar or "") or None
        return (*text.split(),) if self.repeats and text is not None else text

    def is_given(self, values: Mapping[str, Any]) -> bool:
        """Return whether the option has another value than its default."""
        value = values[self.key]
        return bool(value) if self.repeats else value not in (None, self.default)

    def all_values(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of the option: several if it repeats, else one."""
        value = values[self.key]
        return tuple(value) if self.repeats else (value,)


OPTIONS = (
    Option(
        "base-url", TARGET, "URL",
        "Base URL of the server, such as https://host/crmapi/rest/v2. Without it, a mock is "
        "started and checked.",
    ),
    Option(
        "release", TARGET, "R",
        "Release that the server should conform to, such as R9 or R14.1; the error for an unknown "
        "one lists all. By default that of the mock in --from-har, else R9.",
        commands=CHANGING,
    ),
    Option("username", CREDENTIALS, "NAME", "User name; also give --password and --organisation."),
    Option("password", CREDENTIALS, "TEXT", "Password of the user."),
    Option("organisation", CREDENTIALS, "NAME", "Organisation of the user."),
    Option("api-key", CREDENTIALS, "KEY", "Web API key, instead of a user, or to check both."),
    Option("unit", CREDENTIALS, "ID", "ID of the unit to act for.", is_variable=True),
    Option(
        "token", CREDENTIALS, "TOKEN",
        "An existing, valid token, instead of a login. With a login as well, requests use the "
        "token, and the login is checked.",
    ),
    Option(
        "expired-token", CREDENTIALS, "TOKEN",
        "A token of this server whose time is over: requests with it must be refused.",
        commands=CHANGING, is_variable=True,
    ),
    Option(
        "admin-token", CREDENTIALS, "TOKEN",
        "Admin token of a crmcom-kit mock on this machine; needed to create a world for the run.",
        commands=(CHECK,), is_variable=True,
    ),
    Option(
        "secret-key", CREDENTIALS, "ID=KEY",
        "ID=KEY: the secret key of the webhook definition with this ID, to check authentication "
        "codes; several, separated by spaces.",
        repeats=True, commands=(CHECK,), is_variable=True,
    ),
    Option(
        "allow", CHANGED, "METHODS",
        "Methods that may change webhook requests: resend or delete, or both as "
        "resend,delete; or none. By default the run is read-only, except in a separate world "
        "of a crmcom-kit mock on this machine.",
        commands=CHANGING,
    ),
    Option(
        "scope", CHANGED, "WHAT",
        "What --allow may change: definition=NAME, the webhook requests of one definition; "
        "number=N, the one with this number, repeatable; or all. Of definition and number, both "
        "must match.",
        repeats=True, commands=CHANGING,
    ),
    Option(
        "ledger", CHANGED, "FILE",
        "Append each webhook request to this file before it is changed for the first time.",
        commands=CHANGING, is_rare=True,
    ),
    Option(
        "dry-run", CHANGED, None, "Print the planned requests; send nothing, and write nothing.",
        bool, default=False, commands=(CHECK,),
    ),
    Option(
        "max-requests", BUDGET, "N",
        "Maximum number of requests to send. By default 1500, or fewer with --only.",
        int, minimum=1,
    ),
    Option(
        "logins", BUDGET, "N",
        "Maximum number of logins beside the one that the run needs. A wrong password for your "
        "user comes before and after each of them; with 0, none is sent. A login that replaces an "
        "ended token doesn't count. In a mock or a world of the run's own there is no limit.",
        int, FEW_LOGINS, is_rare=True,
    ),
    Option(
        "rate", BUDGET, "N", "Maximum number of requests per second.", float, minimum=1 / _LONGEST
    ),
    Option(
        "max-time", BUDGET, "S",
        "Maximum duration of the run in seconds. The run plans for the requests that fit into it, "
        "and reports what it has seen by then.",
        float, DEFAULT_MAX_TIME, minimum=1, maximum=_LONGEST,
    ),
    Option(
        "seed", BUDGET, "N", "Seed of the generated requests; it repeats a run.", int, 0,
        commands=(CHECK, DIFF),
    ),
    Option(
        "only", CHECKED, "GLOB",
        "Check only statements whose ID matches this pattern, such as 'list.*'.",
        default="*",
    ),
    Option(
        "deviations", CHECKED, "FILE",
        "TOML file of known deviations; `crmcom-kit check --write-deviations` drafts one.",
    ),
    Option(
        "from-har", RECORDINGS, "FILE",
        "Check the traffic in this HAR file, client and server, and send nothing. Repeatable: "
        "several files count as one recording. With --base-url: only requests below that URL.",
        repeats=True,
    ),
    Option(
        "side", RECORDINGS, "both|client|server",
        "Check the client, the server or both. A request that the documents refuse is a mistake "
        "of the client. In a file of `crmcom-kit check --har`, only the server is checked.",
        default="both", commands=(CHECK,), is_rare=True,
    ),
    Option("html", REPORTS, "FILE", "Write a page for people, in one file."),
    Option("junit", REPORTS, "FILE", "Write JUnit XML: a test case for each statement."),
    Option("json", REPORTS, "FILE", "Write everything as JSON, for programs."),
    Option("har", REPORTS, "FILE", "Write all traffic as HAR 1.2; long bodies are cut."),
    Option(
        "write-deviations", REPORTS, "FILE",
        "Write a draft for --deviations, with the broken statements.",
        is_rare=True,
    ),
)  # fmt: skip
#: The default values, by key.
DEFAULTS = {option.key: () if option.repeats else option.default for option in OPTIONS}
#: Those that decide about a run.
RUN_OPTIONS = tuple(option for option in OPTIONS if option.heading != REPORTS)
#: Those that are no option of a command or of pytest.
VARIABLES = tuple(option for option in OPTIONS if option.is_variable)
#: Those of pytest, which has JUnit XML of its own.
PYTEST_OPTIONS = tuple(
    option
    for option in OPTIONS
    if option.name not in ("dry-run", "junit", "write-deviations") and option not in VARIABLES
)


def check_values(values: Mapping[str, Any]) -> None:
    """Check the values of all options. Raises OptionsError."""
    # Imported here, since pytest imports this module in every run for the options' names.
    from crmcom_kit.schemas.releases import UnknownRelease, resolve

    for option in RUN_OPTIONS:
        _check_value(option, values)
    try:
        resolve(values["release"])
    except UnknownRelease as error:
        raise OptionsError(str(error)) from None
    check_url(values["base_url"])
    if values["side"] not in SIDES:
        raise OptionsError(_not_allowed("--side", values["side"], ", ".join(SIDES)))
    if values["side"] != "both" and not values["from_har"]:
        msg = "--side is for recorded traffic: add --from-har"
        raise OptionsError(msg)
    for name in allowed_changes(values):
        if name not in CHANGES:
            raise OptionsError(_not_allowed("--allow", name, f"{', '.join(CHANGES)} or none"))
    secret_keys(values)
    _check_login(values)
    _check_scope(values)


def check_only(pattern: str, release: str) -> None:
    """Check that --only selects a statement of ``release``. Raises OptionsError."""
    # Imported here, see ``check_values``.
    from crmcom_kit.schemas.statements import checked_statements
    from crmcom_kit.usage_errors import hint

    if checked_statements(release, pattern):
        return
    others = checked_statements(only=pattern)
    remark = hint(pattern, (statement.id for statement in checked_statements(release)))
    if others:
        remark = f"; {others[0].id} needs --release {others[0].since.removesuffix('.0.0')}"
    allowed = (
        "the id, or a pattern such as 'list.*', of statements that requests can test in "
        f"{release}{remark}"
    )
    raise OptionsError(_not_allowed("--only", pattern, allowed))


def _check_value(option: Option, values: Mapping[str, Any]) -> None:
    """Check one value: its bounds, its encoding, and whether it goes with a recording."""
    value = values[option.key]
    if values["from_har"] and option.heading in OF_REQUESTS and option.is_given(values):
        msg = f"{option.label} is not allowed with --from-har, which sends nothing"
        raise OptionsError(msg)
    if option.type in (int, float) and value is not None:
        if not option.minimum <= value <= option.maximum or value == math.inf:
            allowed = f"a number from {option.minimum:.2g} "
            allowed += "on" if option.maximum == math.inf else f"to {option.maximum:g}"
            raise OptionsError(_not_allowed(option.label, value, allowed))
        return
    if option.metavar == "FILE" and value == "":  # or nothing would be written, silently
        raise OptionsError(_not_allowed(option.label, value, "the path of a file"))
    for text in option.all_values(values):
        if isinstance(text, str) and text.encode("utf-8", "replace").decode() != text:
            msg = f"{option.label}: a string that is not UTF-8 is not allowed"
            raise OptionsError(msg)


def secret_keys(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the secret keys by the IDs of webhook definitions. Raises OptionsError."""
    keys = {}
    for text in values["secret_key"]:
        definition, equals, key = text.partition("=")
        if not (definition and equals and key):
            raise OptionsError(
                _not_allowed("CRMCOM_SECRET_KEY", "a value of another form", "ID=KEY")
            )
        keys[definition] = key
    return keys


def allowed_changes(values: Mapping[str, Any]) -> frozenset[str]:
    """Return the changing methods that ``--allow`` names."""
    parts = [part.strip() for part in (values["allow"] or "").split(",")]
    return frozenset(part for part in parts if part) - {"none"}


def _check_login(values: Mapping[str, Any]) -> None:
    user_parts = ("username", "password", "organisation")
    names = [name for name in user_parts if values[name]]
    if names and len(names) < len(user_parts):
        missing = next(name for name in user_parts if not values[name])
        msg = f"--{missing} is missing: a login needs user name, password and organisation"
        raise OptionsError(msg)
    credentials = [*names, *(name for name in ("token", "api_key") if values[name])]
    expired_token = values["expired_token"]
    if expired_token and expired_token == values["token"]:
        msg = "CRMCOM_EXPIRED_TOKEN is the same as --token: give one that has expired"
        raise OptionsError(msg)
    if values["base_url"] and not credentials and not values["from_har"]:
        msg = "no login: give --token, --username with --password and --organisation, or --api-key"
        raise OptionsError(msg)
    credentials += ["expired_token"] if expired_token else []
    if values["base_url"] is None and credentials:
        option = next(option for option in OPTIONS if option.key == credentials[0])
        variable = "" if option.envvar == option.label else f" (also {option.envvar})"
        msg = f"--base-url is missing, and {option.label} is for a server: give its base URL, or "
        msg += f"remove the login{variable} to start and check a mock"
        raise OptionsError(msg)


def scope_of(values: Mapping[str, Any]) -> Scope | None:
    """Return what --scope says, or None without it. Raises OptionsError."""
    parts: dict[str, list[str]] = {"definition": [], "number": [], "all": []}
    for text in values["scope"]:
        kind, _, name = text.partition("=")
        if kind not in parts or bool(name) == (kind == "all"):
            raise OptionsError(_not_allowed("--scope", text, "definition=NAME, number=N or all"))
        parts[kind].append(name)
    definitions, numbers, everything = parts["definition"], parts["number"], parts["all"]
    if len(definitions) > 1 or (everything and (definitions or numbers)):
        msg = "--scope: allowed is one definition, any numbers, or both, or all and nothing else"
        raise OptionsError(msg)
    definition = definitions[0] if definitions else None
    scope = Scope(definition=definition, numbers=frozenset(numbers), everything=bool(everything))
    return None if scope == NOTHING else scope


def _check_scope(values: Mapping[str, Any]) -> None:
    if scope_of(values) and values["allow"] is None:
        msg = "--scope allows nothing by itself: add --allow resend,delete, or one of them"
        raise OptionsError(msg)
    if values["base_url"] and allowed_changes(values) and not values["scope"]:
        msg = "--allow needs a scope: --scope definition=NAME, --scope number=N or --scope all"
        raise OptionsError(msg)


def check_url(url: str | None) -> None:
    """Check the URL of a server. Raises OptionsError."""
    if url is None:
        return
    if not url.strip():
        msg = "--base-url is empty: give the server's base URL, or omit it and unset "
        msg += "CRMCOM_BASE_URL to start a mock"
        raise OptionsError(msg)
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")  # as it will be looked up
        is_usable = parts.scheme in ("http", "https") and host and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or parts.fragment or parts.username or parts.password:
        allowed = "an http or https URL without user, query and fragment"
        redacted_url = redact_url(url) if "@" not in url else "a URL with a user in it"
        raise OptionsError(_not_allowed("--base-url", redacted_url, allowed))
    if parts.scheme == "https":
        _check_trusted()


def _check_trusted() -> None:
    """Check that the certificates of the environment can be read. Raises OptionsError."""
    import httpx  # imported here, see ``check_values``

    try:
        httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        msg = f"SSL_CERT_FILE or SSL_CERT_DIR cannot be read as certificates: {error}"
        raise OptionsError(msg) from None


def _not_allowed(name: str, seen: object, allowed: str) -> str:
    return f"{name}: {seen!r} is not allowed; allowed is {allowed}"


def command_line(values: Mapping[str, Any]) -> str:
    """Return the command that repeats a run; credentials are variables, without their values."""
    options = [option for option in RUN_OPTIONS if option.is_given(values)]
    words = [f"{option.envvar}=…" for option in options if option.heading == CREDENTIALS]
    words.append("crmcom-kit check")
    for option in options:
        if option.heading == CREDENTIALS:
            continue
        if values[option.key] is True:
            words.append(f"--{option.name}")
        else:
            words += [
                f"--{option.name} {shlex.quote(str(part))}" for part in option.all_values(values)
            ]
    return " ".join(words)
