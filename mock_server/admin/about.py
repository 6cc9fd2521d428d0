"""Operations about the mock itself: health, and its rules."""

from typing import Annotated, Any, TypedDict

from crmcom_kit import __version__
from crmcom_kit.mock_server.admin.contract import Call, Evidence, operation
from crmcom_kit.mock_server.typed_schemas import Keywords
from crmcom_kit.schemas import API_PATH, dials
from crmcom_kit.schemas.statements import statements


class Health(TypedDict):
    """The mock is running."""

    status: Annotated[str, Keywords(const="healthy")]
    version: Annotated[str, "The version of the mock."]
    release: str
    dialect: str
    seed: int
    world: str
    base_path: Annotated[str, "Base path of the API in this world."]
    epoch: int
    webhook_requests: int


class Statement(TypedDict):
    """A sentence of the documents or examples about this release."""

    id: str
    methods: list[str]
    evidence: Evidence
    text: str
    source: str


class Dial(TypedDict):
    """A choice that the documents leave open."""

    key: str
    value: Any
    default: Any
    allowed: Annotated[str, "The allowed values in words."]
    evidence: Evidence
    text: str
    source: str
    unsettled: Annotated[list[Any] | None, "The values that fit, if a profile does not settle it."]


class Rules(TypedDict):
    """The statements and dials."""

    release: str
    statements: list[Statement]
    dials: list[Dial]


@operation("GET /health", "mock")
def health(call: Call) -> Health:
    """Report that the mock is running; `/livez` and `/readyz` do so without a token."""
    epoch = call.world.current_epoch
    config = epoch.config
    return {
        "status": "healthy",
        "version": __version__,
        "release": config.release.name,
        "dialect": config.dialect.name,
        "seed": config.seed,
        "world": epoch.name,
        "base_path": f"{call.root}{API_PATH}",
        "epoch": epoch.number,
        "webhook_requests": len(epoch.store),
    }


@operation("GET /evidence", "mock")
def evidence(call: Call) -> Rules:
    """List every rule of the mock with its evidence."""
    config = call.world.config
    open_values = config.unsettled or {}
    statement_views: list[Any] = [
        {**_basis(rule), "id": rule.id, "methods": [*rule.methods_in(config.release)]}
        for rule in statements(config.release.name)
    ]
    dial_views: list[Any] = [
        {
            **_basis(dial),
            "key": key,
            "value": config.dialect[key],
            "default": dial.default,
            "allowed": dial.allowed(),
            "unsettled": open_values.get(key),
        }
        for key, dial in dials().items()
    ]
    return {"release": config.release.name, "statements": statement_views, "dials": dial_views}


def _basis(rule: Any) -> dict[str, str]:
    """Return the text of a statement or a dial, its evidence, and its source."""
    return {"text": rule.text, "evidence": rule.evidence, "source": rule.source}
