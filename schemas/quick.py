"""A quick yes or no: whether a value surely fits a schema.

For a reader of many values. It uses the plain form of a schema, in which dates are patterns: a no,
and a yes to a value with dates, is to be confirmed by ``loader.validator``, which also says why.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from crmcom_kit.schemas.loader import Profile
from crmcom_kit.schemas.plain import plain_schema


@cache
def quick_judge(
    name: str, profile: Profile = "core", release: str | None = None
) -> Callable[[Any], bool]:
    """Return what says whether a value fits schema ``name``, but for the days that dates have.

    ``release`` narrows members and enumerations to a release, as it does for ``validator``.

    jsonschema-rs does it: jsonschema takes some two hundred times as long.

    Raises:
        UnknownSchema: there is no such schema.
        UnknownRelease: ``release`` names none.
    """
    # Imported when needed: the packaged sample world is loaded without validation.
    import jsonschema_rs

    schema = plain_schema(name, profile, release)
    judge: Callable[[Any], bool] = jsonschema_rs.validator_for(schema).is_valid
    return judge
