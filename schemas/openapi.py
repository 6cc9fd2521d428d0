"""The OpenAPI document of a release, made from the contract's data."""

import json
from typing import Any

from crmcom_kit.schemas.dial_tables import statuses_of_error
from crmcom_kit.schemas.dialect import Dialect, dials, error_kinds, load_dialect, statement_of_error
from crmcom_kit.schemas.envelopes import Envelopes
from crmcom_kit.schemas.examples import examples
from crmcom_kit.schemas.exchanges import Exchanges
from crmcom_kit.schemas.loader import SchemaReader
from crmcom_kit.schemas.methods import API_PATH, Method, Parameter, methods, response_fields
from crmcom_kit.schemas.releases import Release, resolve, supported_entities
from crmcom_kit.schemas.rendering import Renderer
from crmcom_kit.schemas.statements import statements

Node = dict[str, Any]

DEFAULT_SERVER = f"http://127.0.0.1:8080{API_PATH}"

_ABOUT = """\
The methods of the CRM.COM Web API for webhook requests and for logging in, as of \
release {release}, and the message that a third party receives, as a webhook. Written by \
crmcom-kit from the API's public documentation; not published by CRM.COM. `x-evidence` says how \
certain a part is: documented, observed in an example, inferred or assumed.

A GET method reads its parameters, including the token, from the query; a POST method reads them \
from the members of its JSON body. An identifier in a query is written `name=field=value`, such \
as `webhook_request_identifier=number=7`. A successful response has the status code `OK` in its \
body; the documentation does not say which HTTP status an error has."""

_TAGS = [
    {"name": "webhook_requests", "description": "Records of the webhooks that were sent."},
    {"name": "authentication", "description": "Log in and out."},
]

_QUERY_TOKEN, _API_KEY = "token", "web_api_key"

_SECURITY_SCHEMES = {
    _QUERY_TOKEN: {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "A token that a login method returned. POST methods take it in the body.",
    },
    _API_KEY: {
        "type": "http",
        "scheme": "basic",
        "description": "The Web API key as user name, with an empty password.",
    },
}

#: Statements that a method exists: its own responses cannot break them.
_EXISTENCE_STATEMENTS = ("methods.", "deprecation.")

#: Names of components that differ from their schemas', for authors of clients.
_NAMES = {"webhook_request_selection": "WebhookRequest"}


def openapi_document(
    release: str | None = None, *, dialect: Dialect | None = None, server_url: str = DEFAULT_SERVER
) -> Node:
    """Return the OpenAPI 3.1 document of ``release``, self-contained and in plain keywords.

    Args:
        release: any release from R9 on; by default the default release.
        dialect: decides the form of responses and messages, and the statuses of errors.
        server_url: the base URL of the API, with its version.

    Raises:
        UnknownRelease: ``release`` names none.
    """
    writer = _Writer(resolve(release), load_dialect() if dialect is None else dialect)
    # A copy: no part is shared with other documents or with the contract's data.
    document: Node = json.loads(json.dumps(writer.document(server_url)))
    return document


class _Writer:
    """Writes the document of one release in one dialect."""

    def __init__(self, release: Release, dialect: Dialect) -> None:
        self.release = release
        self.dialect = dialect
        self.methods = methods(release).values()
        self.error_kinds: set[str] = set()  # the kinds in examples of responses
        self.schemas = SchemaReader(
            release=release,
            root="#/components/schemas/",
            rename=_component_name,
            annotations={"x-evidence"},
        )

    def document(self, server_url: str) -> Node:
        """Return the document."""
        paths = {
            f"/{method.path}": {method.verb.lower(): self._operation(method)}
            for method in self.methods
        }
        webhook = self._webhook()
        components = self._components()  # the last: it has the pieces that the others need
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "CRM.COM Web API: webhook requests",
                "version": self.release.name,
                "description": _ABOUT.format(release=self.release.name),
            },
            "servers": [{"url": server_url}],
            "tags": _TAGS,
            "paths": paths,
            "webhooks": {"third_party_message": webhook},
            "components": components,
        }

    def _operation(self, method: Method) -> Node:
        choice = [name for name, p in method.parameters.items() if p.need == "semi-optional"]
        security = _security_scheme(method)
        return {
            "operationId": method.path.replace("/", "_"),
            "summary": method.summary,
            "description": _description(method, choice),
            "tags": [method.path.partition("/")[0]],
            **({"deprecated": True} if method.deprecated else {}),
            **({"x-at-least-one-of": choice} if choice else {}),
            **(
                {"parameters": self._query(method)}
                if method.verb == "GET"
                else {"requestBody": self._body(method)}
            ),
            "security": [{security: []}] if security else [],
            "responses": self._responses(method),
        }

    def _query(self, method: Method) -> list[Node]:
        values: Node = {}
        for example in examples(f"{method.name}_request", self.release).values():
            values |= example["value"]
        return [
            self._query_parameter(method, parameter, values.get(name))
            for name, parameter in method.parameters.items()
            if parameter.need != "token"
        ]

    def _query_parameter(self, method: Method, parameter: Parameter, example: Any) -> Node:
        description = parameter.description
        if parameter.fields:
            schema: Node = {"type": "string", "pattern": f"^({'|'.join(parameter.fields)})=.+$"}
            description += " Written as field=value; the = may be percent-encoded."
            example = "=".join(*example.items()) if example else None
        else:
            member = self.schemas.member(f"{method.name}_parameters", parameter.name)
            schema = _with_field_names(parameter.name, member)
        return {
            "name": parameter.name,
            "in": "query",
            "required": parameter.need == "mandatory",
            "description": description,
            "schema": {key: value for key, value in schema.items() if key != "description"},
            **({"example": example} if example else {}),
        }

    def _body(self, method: Method) -> Node:
        name = f"{method.name}_parameters"
        reference = self.schemas.piece(name)
        body = self.schemas.pieces[_component_name(name)]
        body["properties"] = {
            key: _with_field_names(key, schema) for key, schema in body["properties"].items()
        }
        required = [key for key, p in method.parameters.items() if p.need in {"token", "mandatory"}]
        if required:
            body["required"] = required
        body_examples = examples(f"{method.name}_request", self.release)
        content = {"application/json": {"schema": reference, "examples": body_examples}}
        return {"required": bool(required), "content": content}

    def _responses(self, method: Method) -> Node:
        statuses = error_statuses(method, self.release, self.dialect)
        success = self.schemas.piece(method.response_schema)
        error = self.schemas.piece("error_answer")
        successes = examples(f"{method.name}_answer", self.release)
        successes = successes or examples(method.response_schema, self.release)
        kinds_with_200 = statuses.pop(200, [])
        schema, description = success, "Success."
        if kinds_with_200:
            schema = {"oneOf": [success, error]}
            description = "Success or an error; status.code says which."
        return {
            "200": self._response(description, schema, successes | self._errors(kinds_with_200)),
            **{
                str(status): self._response(
                    f"An error: {', '.join(kinds)}.", error, self._errors(kinds)
                )
                for status, kinds in statuses.items()
            },
            "default": self._response(
                "An error, if the server gives it another HTTP status.",
                error,
                examples("error_answer", self.release),
            ),
        }

    def _response(self, description: str, schema: Node, examples_: Node) -> Node:
        content = {"schema": schema, "examples": examples_}
        return {
            "description": description,
            "content": {self.dialect["envelope.content_type"]: content},
        }

    def _errors(self, kinds: list[str]) -> Node:
        self.error_kinds.update(kinds)
        return {kind: {"$ref": f"#/components/examples/{kind}"} for kind in kinds}

    def _webhook(self) -> Node:
        """Return the webhook: the message that a third party gets for a webhook request."""
        dialect = self.dialect
        key, data = "0123456789ABCDEF", {"id": "C41D7E0F92A34B6D8E5F0A1B2C3D4E5F", "number": "J1"}
        exchanges = Exchanges(dialect)
        messages = exchanges.messages
        code = exchanges.code(data, key, None)
        example = {
            "summary": "A job",
            "description": f"Invented, and signed with the secret key {key}.",
            "value": messages.body(data, code),
        }
        content = {"schema": self._message(), "examples": {"job": example}}
        header = {
            "name": dialect["message.code_header"],
            "in": "header",
            "required": False,
            "description": "HMAC of the data object; absent if there is no secret key.",
            "schema": {"type": "string"},
            "example": code,
        }
        operation = {
            "operationId": "third_party_message",
            "summary": "Notify a third party of a change.",
            "description": "Sent to the URL of a webhook definition when one of its workflow rules "
            "applies, and by resend. The documentation shows none.",
            "x-evidence": "assumed",
            **({"parameters": [header]} if messages.has_header else {}),
            "requestBody": {
                "required": True,
                "content": {dialect["message.content_type"]: content},
            },
            "security": [],
            "responses": _receiver_responses(dialect["delivery.success"]),
        }
        return {dialect["message.method"].lower(): operation}

    def _message(self) -> Node:
        """Return the schema of the body of that message."""
        if self.dialect["message.wrapper"] == "none":
            return self.schemas.member("third_party_message", "data")
        reference = self.schemas.piece("third_party_message")
        members = self.schemas.pieces["ThirdPartyMessage"]["properties"]
        in_body = self.dialect["message.code_place"] != "header"
        for name in dials()["message.code_name"].choices:
            if not (in_body and name == self.dialect["message.code_name"]):
                del members[name]
        return reference

    def _components(self) -> Node:
        schemas = self.schemas.pieces
        schemas["Entity"]["enum"] = supported_entities(self.release, self.dialect)
        # Only the dialect's spelling of NOT EFFECTIVE: code generators cannot handle two.
        other_spellings = {"NOT EFFECTIVE", "NOT_EFFECTIVE"} - {
            self.dialect["record.not_effective"]
        }
        for name in ("WebhookDefinition", "WorkflowRule"):
            state = schemas[name]["properties"]["life_cycle_state"]
            state["enum"] = [value for value in state["enum"] if value not in other_spellings]
        renderer = Renderer(self.dialect, self.release)
        envelopes = Envelopes(self.dialect, self.release, renderer)
        schemes = {_security_scheme(method) for method in self.methods}
        return {
            "schemas": dict(sorted(schemas.items())),
            "examples": {
                kind: {
                    "summary": error_kinds()[kind]["message"],
                    "value": envelopes.refusal(kind=kind)[1],
                }
                for kind in sorted(self.error_kinds)
            },
            "securitySchemes": {k: v for k, v in _SECURITY_SCHEMES.items() if k in schemes},
        }


def error_statuses(method: Method, release: Release, dialect: Dialect) -> dict[int, list[str]]:
    """Return the HTTP statuses of the errors of ``method``, with their kinds, lowest first."""
    statement_ids = {s.id for s in statements(release.name) if method.name in s.methods_in(release)}
    kinds: dict[int, list[str]] = {}
    for kind in error_kinds():
        statement = statement_of_error(kind, method.name)
        is_of_method = statement.startswith(_EXISTENCE_STATEMENTS)
        if statement in statement_ids and not is_of_method and _has_cause(kind, method):
            for status in statuses_of_error(dialect, kind, method.name):
                kinds.setdefault(status, []).append(kind)
    return dict(sorted(kinds.items()))


def _has_cause(kind: str, method: Method) -> bool:
    """Return False if no parameter of ``method`` can cause an error of ``kind``."""
    if kind == "missing_parameter":  # a missing token has another kind
        needs = {name: p.need for name, p in method.parameters.items() if name != "token"}
        return "mandatory" in needs.values()
    if kind in ("unknown_webhook_request", "deleted_webhook_request"):
        return "webhook_request_identifier" in method.parameters
    return True


def _receiver_responses(success: str) -> Node:
    """Return the responses of a receiver that accepts or refuses a webhook request."""
    acceptance = {
        "description": "The message was received: the webhook request becomes SUCCESSFUL."
    }
    refusal = {"description": "The message was not received: the webhook request becomes REJECTED."}
    if success == "any":
        return {"default": acceptance}
    return {success.upper(): acceptance, "default": refusal}


def _with_field_names(name: str, schema: Node) -> Node:
    """Return the schema of a parameter; for fields_set with the names of the fields."""
    if name != "fields_set":
        return schema
    names = "|".join(response_fields())
    return {**schema, "pattern": f"^({names})(,({names}))*$"}


def _component_name(name: str) -> str:
    return _NAMES.get(name) or name.title().replace("_", "")


def _security_scheme(method: Method) -> str | None:
    """Return the security scheme of ``method``; a token in a body is not a scheme."""
    if method.basic:
        return _API_KEY
    return _QUERY_TOKEN if method.verb == "GET" else None


def _description(method: Method, choice: list[str]) -> str:
    """Return the description of ``method``, with rules that OpenAPI has no keywords for."""
    text = [method.summary]
    if choice:
        text.append(f"At least one of {', '.join(choice)} is mandatory; several are allowed.")
    token = method.parameters.get("token")
    if token and method.verb == "POST":
        text.append("The token is a member of the JSON body.")
    if token and token.need == "token":
        text.append("The documentation does not call the token mandatory; every example sends one.")
    return " ".join(text)
