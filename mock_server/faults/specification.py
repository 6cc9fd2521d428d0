"""The types of a fault's specification, also for the document of the control API.

Imported with the first fault: it reads the methods of all releases, which takes time.
"""

from typing import Annotated, Any, Literal, Required, TypedDict

from crmcom_kit.mock_server.typed_schemas import Keywords
from crmcom_kit.schemas import methods, resolve
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.releases import release_names

_OPERATIONS = dict.fromkeys(n for release in release_names() for n in methods(resolve(release)))
_MAX = 1_000_000_000

Operation = Annotated[str, Keywords(enum=[*_OPERATIONS])]
ErrorKind = Annotated[str, Keywords(enum=[*error_kinds()])]
_Operations = Operation | Annotated[list[Operation], Keywords(minItems=1, maxItems=20)]
_Record = Annotated[
    Annotated[str, Keywords(minLength=1, maxLength=200)]
    | Annotated[int, Keywords(minimum=0, maximum=10**18 - 1)],
    Keywords({"x-allowed": 'the number or the id of a webhook request, such as "7"'}),
]
_Number = Annotated[int, Keywords(minimum=1, maximum=_MAX)]
_Seconds = Annotated[float, Keywords(minimum=0.001, maximum=100_000_000)]
_True = Annotated[Literal[True], Keywords({"x-allowed": "true, or no such member"})]

Name = Annotated[
    str,
    "Its name in the journal; by default derived from the effect.",
    Keywords(minLength=1, maxLength=100),
]
When = Annotated[
    Literal["before_commit", "after_commit"],
    "The fault applies before the request changes anything, or after it. The default is "
    "before_commit; a response that is cut or malformed always belongs to a request that was "
    "carried out.",
]
Times = Annotated[_Number, "The maximum number of requests that it hits; any number by default."]
Lifetime = Annotated[
    _Seconds, "The seconds of the world's clock for which it is active; no limit by default."
]
_Status = Annotated[
    int,
    Keywords(
        {
            "minimum": 200,
            "maximum": 599,
            "not": {"enum": [204, 205, 304]},
            "x-allowed": "a status from 200 to 599 whose responses have a body",
        }
    ),
]
_Delay = Annotated[
    float,
    "The seconds of the world's clock for which the response is held back; it is not held back if "
    "the clock is frozen or moved forward.",
    Keywords(minimum=0, maximum=300),
]


class FaultMatch(TypedDict, total=False):
    """Conditions that must all hold; an empty object matches every request."""

    operation: Annotated[_Operations, "A method's name, or several."]
    record: Annotated[_Record, "Only requests that name this webhook request, by its number or id."]
    nth: Annotated[
        _Number | Annotated[list[_Number], Keywords(minItems=1, maxItems=20)],
        "Only the n-th of the matching requests, counted from 1; or several of them.",
    ]
    after: Annotated[
        int,
        "The number of matching requests that pass before it hits; not together with nth.",
        Keywords(minimum=0, maximum=_MAX),
    ]


class Respond(TypedDict, total=False):
    """A response, sent unchanged; lists of faults and the journal show the size of its body."""

    status: Annotated[_Status, "200 by default."]
    content_type: Annotated[str, "That of the dialect by default.", Keywords(maxLength=200)]
    headers: Annotated[
        dict[str, Annotated[str, Keywords(maxLength=4000)]],
        "Further headers, except those that frame the response or are the mock's own.",
        Keywords(maxProperties=50),
    ]
    body: Annotated[Any, "A string is sent unchanged, any other value as JSON; empty by default."]
    encoding: Annotated[Literal["base64"], "The encoding of a body that is not text, as in a HAR."]


class FaultEffect(TypedDict, total=False):
    """The effects: at most one of status, error, respond, drop, cut and malformed; any others."""

    delay: _Delay
    status: Annotated[_Status, "The response is a gateway's: a page with this HTTP status."]
    retry_after: Annotated[
        int,
        "Seconds, for the header Retry-After; only together with status.",
        Keywords(minimum=0, maximum=86_400),
    ]
    error: Annotated[ErrorKind, "The response is this error of the API, as the dialect spells it."]
    respond: Annotated[Respond, "This is the response."]
    drop: Annotated[_True, "The connection is closed without a response."]
    cut: Annotated[
        _Number,
        "The connection is closed after this many bytes of the body, or before its last one.",
    ]
    malformed: Annotated[_True, "The response is complete, but its JSON ends in the middle."]
    expire_token: Annotated[
        _True, "The token of the request expires; only requests with a token are hit."
    ]
    delete_record: Annotated[
        _True, "Another user deletes the webhook request; only requests that name one are hit."
    ]


class FaultSpec(TypedDict, total=False):
    """A fault to inject."""

    name: Name
    match: FaultMatch
    effect: Required[Annotated[FaultEffect, Keywords(minProperties=1)]]
    when: When
    times: Times
    lifetime: Lifetime


class RefusalSpec(TypedDict, total=False):
    """Refusals that a test expects; an empty object expects one or more, of any request."""

    operation: Annotated[_Operations, "A method's name, or several."]
    record: Annotated[_Record, "Only requests that name this webhook request, by number or id."]
    error: Annotated[
        ErrorKind | Annotated[list[ErrorKind], Keywords(minItems=1, maxItems=20)],
        "The kind of the error, or several.",
    ]
    times: Annotated[_Number, "The exact number; by default at least 1."]


class FaultPresetArguments(TypedDict, total=False):
    """Arguments of presets; each preset takes some of them."""

    operation: _Operations | None
    record: _Record | None
    times: _Number | None
    requests: _Number
    delay: _Delay
    seconds: _Seconds
    status: _Status
    drop: bool
