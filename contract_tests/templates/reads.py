"""Requests of show, and some of list, that must be served."""

from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st

from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.made_up import WRONG_TOKEN
from crmcom_kit.contract_tests.oracle.parsing import FIELDS, IDENTIFIER
from crmcom_kit.contract_tests.templates.open_values import fields_sets
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, template

FORMS = ("id", "number")


class Selection(NamedTuple):
    """Fields of a webhook request, and the field that names it."""

    fields: str | None  # fields_set; None: left out
    form: str

    def parameters(self, record: Record) -> Parameters:
        """Return the parameters of a request that is about a webhook request."""
        return {IDENTIFIER: {self.form: record[self.form]}, "fields_set": self.fields}


#: Values of fields_set; those that show most come first.
FIELDS_SETS = (
    "life_cycle_state,error_code,error_description",
    ",".join(reversed(FIELDS)),
    "entity_id,number", "number,id", "log_information,url", "url,log_information,entity",
    *FIELDS,
    *(",".join(name for name in FIELDS if name != left_out) for left_out in FIELDS),
)  # fmt: skip


@template("read", "show", FORMS, first=16, weight=8)
def one_by_id_or_number(form: str, record: Record) -> Parameters:
    """Show a webhook request by id or number."""
    return {IDENTIFIER: {form: record[form]}}


@template(
    "read", "show", [Selection(fields, form) for fields in FIELDS_SETS for form in FORMS],
    open_variants=lambda _: st.builds(Selection, fields_sets(), st.sampled_from(FORMS)),
    first=24, weight=4,
)  # fmt: skip
def some_fields(selection: Selection, record: Record) -> Parameters:
    """Show some fields of a webhook request."""
    return selection.parameters(record)


@template("read", "list", ("right", "wrong"), first=3)
@template("read", "show", ("right", "wrong"), first=3)
def a_slash_behind_the_name(scene: Scene, token: str, record: Record, method: str) -> Call:
    """Call a method with a slash behind its name, as some clients do, and with a wrong token."""
    parameters: dict[str, Any] = {IDENTIFIER: {"id": record["id"]}}
    if method == "list":
        parameters = {name: record.get(name) for name in ("entity", "life_cycle_state")}
    if token == "wrong":
        parameters["token"] = WRONG_TOKEN
    call = build(scene.methods[method], {"token": scene.token, **parameters})
    return replace(call, path=f"{call.path}/")
