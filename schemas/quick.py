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

    jsonschema-rs does it where it is installed (the extra ``fast``), jsonschema where it is not,
    some two hundred times slower.

    Raises:
        UnknownSchema: there is no such schema.
        UnknownRelease: ``release`` names none.
    """
    schema = plain_schema(name, profile, release)
    try:
        import jsonschema_rs
    except ImportError:
        from jsonschema import Draft202012Validator

        return Draft202012Validator(schema).is_valid
    judge: Callable[[Any], bool] = jsonschema_rs.validator_for(schema).is_valid
    return judge
