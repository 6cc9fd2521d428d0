"""The options of a run: one table for the command and for pytest."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from crmcom_kit.redaction import redact_url

Profile = Literal["ci", "dev", "explore"]
#: How much is generated; see ``profiles``.
PROFILES: tuple[Profile, ...] = get_args(Profile)
DEFAULT_TIMEOUT = 30.0  # seconds
DEFAULT_EXAMPLES = 50  # of each generated layer, where no budget rules
#: No wait of a run is longer, for an answer or between two requests, in seconds.
_LONGEST = 86_400.0
#: What may be changed with ``--allow``.
CHANGES = ("resend", "delete")


class OptionsError(ValueError):
    """An option that cannot be followed; the text names it, what was seen and what is allowed."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: ``--name`` of the command, ``--crmcom-name`` of pytest, maybe ``CRMCOM_NAME``."""

    name: str
    help: str
    type: type = str  # str, int, float; bool is a flag
    metavar: str | None = None
    default: Any = None
    repeats: bool = False
    variable: bool = False  # may also come from the environment
    secret: bool = False  # never shown

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


OPTIONS = (
    Option(
        "base-url",
        "The server to check, such as https://host/crmapi/rest/v2. Left out: a mock of its own.",
        metavar="URL",
        variable=True,
    ),
    Option(
        "from-har",
        "Judge the traffic in this HAR file, and send nothing; of several files as one recording. "
        "With --base-url: only what is below it.",
        metavar="FILE",
        repeats=True,
    ),
    Option(
        "release",
        "The release that the server is held to, R9 or newer; of one that is not known the newest "
        "before it.",
        metavar="R",
        default="R9",
        variable=True,
    ),
    Option(
        "dialect",
        "How a mock of its own answers: a dialect's name or file.",
        metavar="NAME|FILE",
        default="default",
    ),
    Option("token", "A token that is valid already.", variable=True, secret=True),
    Option("username", "Log in with this user name.", metavar="NAME", variable=True),
    Option("password", "Its password.", metavar="TEXT", variable=True, secret=True),
    Option("organisation", "Its organisation.", metavar="NAME", variable=True),
    Option("unit", "The ID of the unit to act for.", metavar="ID", variable=True),
    Option("api-key", "Log in with a Web API key.", metavar="KEY", variable=True, secret=True),
    Option(
        "admin-token",
        "The admin token of a crmcom-kit mock on this machine, which makes a world for the run.",
        metavar="TOKEN",
        variable=True,
        secret=True,
    ),
    Option(
        "allow",
        "Which changing methods may be called: resend, delete, both with a comma, or none. "
        "Without it the run is read-only, except in a separate world of a crmcom-kit mock on this "
        "machine.",
        metavar="METHODS",
    ),
    Option(
        "only-definition",
        "Change only webhook requests of this webhook definition.",
        metavar="NAME",
    ),
    Option(
        "only-entity-id",
        "Change only webhook requests about the entity with this ID.",
        metavar="ID",
    ),
    Option(
        "only-number",
        "Change only the webhook requests of these numbers.",
        metavar="N",
        repeats=True,
    ),
    Option("all-records", "Any webhook request may be changed.", type=bool, default=False),
    Option("max-requests", "Send at most so many requests.", type=int, metavar="N"),
    Option("rate", "Send at most so many requests a second.", type=float, metavar="N"),
    Option(
        "max-examples",
        "How many examples each generated layer tries where no --max-requests rules.",
        type=int,
        default=DEFAULT_EXAMPLES,
        metavar="N",
    ),
    Option(
        "seed",
        "What generated requests are drawn from. Left out: 0, or with --profile explore another "
        "one each time.",
        type=int,
        metavar="N",
    ),
    Option(
        "timeout",
        "Seconds to wait for one answer.",
        type=float,
        default=DEFAULT_TIMEOUT,
        metavar="S",
    ),
    Option(
        "only",
        "Check only statements whose id fits, such as 'list.*'.",
        metavar="GLOB",
        default="*",
    ),
    Option("deviations", "A TOML file of deviations that are known.", metavar="FILE"),
    Option(
        "secret-key",
        "The secret key of a webhook definition, by the definition's ID: with it "
        "authentication codes are checked.",
        metavar="ID=KEY",
        repeats=True,
        secret=True,
    ),
    Option(
        "ledger",
        "Where webhook requests are written down before they are changed.",
        metavar="FILE",
    ),
    Option("profile", "ci, dev or explore: how much is generated.", metavar="NAME", default="ci"),
    Option("dry-run", "Send nothing; print what would be called.", type=bool, default=False),
)


def check_values(values: Mapping[str, Any]) -> None:
    """Refuse values that no run can follow, by name. Raises OptionsError."""
    # Here, since pytest imports this module in every run for the options' names.
    from crmcom_kit.schemas.statements import statements

    _check_texts(values)
    _check_beside_recording(values)
    _check_url(values["base_url"])
    for name in ("max_requests", "max_examples"):
        _at_least(values, name, 1)
    _within(values, "rate", 1 / _LONGEST, float("inf"))
    _within(values, "timeout", 0, _LONGEST)
    _at_least(values, "seed", 0)
    for name in allowed_changes(values):
        if name not in CHANGES:
            raise OptionsError(_text("allow", name, f"{', '.join(CHANGES)} or none"))
    if values["profile"] not in PROFILES:
        raise OptionsError(_text("profile", values["profile"], ", ".join(PROFILES)))
    if not any(fnmatch.fnmatchcase(each.id, values["only"]) for each in statements()):
        allowed = "a pattern that fits a statement's id, such as 'list.*'"
        raise OptionsError(_text("only", values["only"], allowed))
    secret_keys(values)
    _check_login(values)
    _check_scope(values)


def secret_keys(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the secret keys that were given, by definition id. Raises OptionsError."""
    found = {}
    for text in values["secret_key"]:
        definition, equals, key = text.partition("=")
        if not (definition and equals and key):
            raise OptionsError(_text("secret-key", "a text of another form", "ID=KEY"))
        found[definition] = key
    return found


#: What may be said of a recording; all else is about requests that are sent.
_FOR_RECORDINGS = frozenset(("base_url", "from_har", "release", "only", "deviations"))


def _check_beside_recording(values: Mapping[str, Any]) -> None:
    """Refuse what makes no sense where nothing is sent."""
    if not values["from_har"]:
        return
    for option in OPTIONS:
        given = values[option.key]
        if option.key not in _FOR_RECORDINGS and given not in (option.default, (), []):
            msg = f"--{option.name} makes no sense beside --from-har: a recording is judged, and "
            msg += "nothing is sent"
            raise OptionsError(msg)


def is_scoped(values: Mapping[str, Any]) -> bool:
    """Whether the options say which webhook requests may be changed."""
    names = ("only_definition", "only_entity_id", "only_number", "all_records")
    return any(values[name] for name in names)


def _check_texts(values: Mapping[str, Any]) -> None:
    """Refuse texts that cannot be sent or written down: bytes that are no UTF-8."""
    for option in OPTIONS:
        given = values[option.key]
        for each in given if option.repeats else [given]:
            if isinstance(each, str) and not _is_unicode(each):
                msg = f"--{option.name}: a text that is not UTF-8 is not allowed"
                raise OptionsError(msg)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_login(values: Mapping[str, Any]) -> None:
    user = ("username", "password", "organisation")
    given = [name for name in user if values[name]]
    if given and len(given) < len(user):
        missing = next(name for name in user if not values[name])
        msg = f"--{missing} is missing: a login takes user name, password and organisation"
        raise OptionsError(msg)
    named = [*given, *(name for name in ("token", "api_key") if values[name])]
    if values["base_url"] and not named and not values["from_har"]:
        msg = "no login: give --token, --username with --password and --organisation, or --api-key"
        raise OptionsError(msg)
    if values["base_url"] is None and named:
        msg = f"--base-url is missing, and --{named[0].replace('_', '-')} is for a server: give "
        msg += "the server's base URL, or no login to check a mock of the kit's own"
        raise OptionsError(msg)


def _check_scope(values: Mapping[str, Any]) -> None:
    if is_scoped({**values, "all_records": False}) and values["all_records"]:
        msg = "--all-records and --only-… exclude each other"
        raise OptionsError(msg)
    if values["base_url"] and allowed_changes(values) and not is_scoped(values):
        msg = "--allow needs a scope: one of --only-definition, --only-entity-id, --only-number, "
        msg += "or --all-records"
        raise OptionsError(msg)


def _check_url(url: str | None) -> None:
    if url is None:
        return
    if not url.strip():
        msg = "--base-url is empty: give the server's base URL, or leave it out, and unset "
        msg += "CRMCOM_BASE_URL, to check a mock of the kit's own"
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


def _within(values: Mapping[str, Any], name: str, minimum: float, maximum: float) -> None:
    """Refuse a number that is not above 0, or out of bounds."""
    seen = values[name]
    if seen is None or (0 < seen < float("inf") and minimum <= seen <= maximum):
        return
    allowed = "a number above 0"
    if seen > maximum:
        allowed += f" and up to {maximum:g}"
    elif seen > 0 and seen != float("inf"):
        allowed = f"a number from {minimum:.2g} on"
    raise OptionsError(_text(name, seen, allowed))


def _at_least(values: Mapping[str, Any], name: str, minimum: int) -> None:
    if values[name] is not None and values[name] < minimum:
        raise OptionsError(_text(name, values[name], f"a number from {minimum} on"))


def _text(name: str, seen: object, allowed: str) -> str:
    return f"--{name.replace('_', '-')}: {seen!r} is not allowed; allowed is {allowed}"


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def allowed_changes(values: Mapping[str, Any]) -> frozenset[str]:
    """Return the changing methods that ``--allow`` names."""
    return frozenset(_listed(values["allow"])) - {"none"}


def nondefault_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that differ from their defaults, for reports; secrets are left out."""
    return {
        option.name: list(values[option.key]) if option.repeats else values[option.key]
        for option in OPTIONS
        if not option.secret
        and values[option.key] not in (option.default, ())
        and not (option.repeats and not values[option.key])
    }


def resolve_seed(values: Mapping[str, Any], now: float) -> int:
    """Return the seed that was given; without one 0, or one from the present moment to explore."""
    if values["seed"] is not None:
        return int(values["seed"])
    return int(now) if values["profile"] == "explore" else 0


def command_line(values: Mapping[str, Any]) -> str:
    """Return the command that repeats a run; secrets come from the environment."""
    import shlex

    words = ["crmcom-kit", "check"]
    for option in OPTIONS:
        value = values[option.key]
        if option.secret or value in (None, option.default, ()) or value == []:
            continue
        if option.type is bool:
            words.append(f"--{option.name}")
            continue
        for each in value if option.repeats else [value]:
            words += [f"--{option.name}", shlex.quote(str(each))]
    if "--seed" not in words and not values["from_har"]:
        words += ["--seed", str(values["seed"] or 0)]
    return " ".join(words)
