"""Hypothesis strategies of requests, and of the values that requests have.

They never discard what they draw, and a request is printed in one short line, without secrets. Most
draw from what is known of a server, the *scene*. In a ``@given`` test it must not change between
two examples: use ``scene.frozen()``.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.parsing import RECORD_METHODS
from crmcom_kit.contract_tests.templates import Scene, Template, all_templates
from crmcom_kit.contract_tests.templates import near_misses as enumerated
from crmcom_kit.contract_tests.templates.lists import TOGETHER, filter_value, with_entity
from crmcom_kit.contract_tests.templates.logins import plain_list
from crmcom_kit.contract_tests.templates.open_values import edits, fields_sets, moments
from crmcom_kit.contract_tests.templates.reads import FORMS
from crmcom_kit.contract_tests.templates.refusals import right_parameters
from crmcom_kit.contract_tests.templates.table import LAYERS

__all__ = ["calls", "fields_sets", "identifiers", "list_filters", "moments", "near_misses"]

Draw = Callable[[SearchStrategy[Any]], Any]


def calls(
    scene: Scene, *, methods: Collection[str] = ("show", "list"), layers: Collection[str] = LAYERS
) -> SearchStrategy[Call]:
    """Return a strategy of right and wrong requests, as ``crmcom-kit check`` sends them.

    A template with open values draws from these, too, and not only from its list.

    Args:
        scene: what is known of the server.
        methods: the methods that requests go to.
        layers: the layers of templates that they are drawn from.

    Raises:
        ValueError: a method or layer is unknown, or no template is left.
    """
    _check("methods", methods, scene.methods)
    _check("layers", layers, LAYERS)
    templates = [
        template
        for template in all_templates()
        if template.method in methods
        and template.layer in layers
        and template.has_what_it_needs(scene.login)
    ]
    if not templates:
        msg = f"layers: {', '.join(layers)} have no template for methods: {', '.join(methods)}"
        raise ValueError(msg)
    return _calls(_Source(scene, templates))


def open_calls(scene: Scene, templates: Iterable[Template]) -> SearchStrategy[Call]:
    """Return a strategy of requests of some templates with values that no list names."""
    pool = [
        template
        for template in templates
        if template.open_variants is not None
        for _ in range(template.open_weight)
    ]
    return _calls(_Source(scene, pool, is_open=True))


class _Source:
    """The templates and the scene that requests are drawn from."""

    def __init__(
        self, scene: Scene, templates: Sequence[Template], *, is_open: bool = False
    ) -> None:
        self.scene, self.templates, self.is_open = scene, templates, is_open
        self.open_variants = {
            template: template.open_variants(scene)
            for template in templates
            if template.open_variants is not None
        }

    def __repr__(self) -> str:
        """Count the templates: there are many."""
        return f"{self.scene!r} and {len(self.templates)} templates"


@st.composite
def _calls(draw: Draw, source: _Source) -> Call:
    """Draw a template, a variant, and a webhook request."""

    def choose(values: Sequence[Any]) -> Any:
        return values[draw(st.integers(0, len(values) - 1))]

    scene, template = source.scene, choose(source.templates)
    variants = template.choices(scene)
    if not variants:
        return _simplest(scene, template)
    is_drawn_open = template in source.open_variants and (source.is_open or draw(st.booleans()))
    variant = draw(source.open_variants[template]) if is_drawn_open else choose(variants)
    call = template.draw(scene, variant, choose)
    return _simplest(scene, template) if call is None else call


def _simplest(scene: Scene, template: Template) -> Call:
    """Return the simplest request to the method of a template, or to list."""
    method = template.method
    if method in RECORD_METHODS and (not template.changes or method in scene.allowed):
        for record in scene.records(in_scope=template.changes)[:1]:
            return build(
                scene.methods[method], {"token": scene.token, **right_parameters(method, record)}
            )
    return plain_list(scene, scene.token)


def _check(argument: str, names: Collection[str], choices: Collection[str]) -> None:
    """Raise ValueError if a name is not allowed, or there is none."""
    unknown_names = [name for name in names if name not in choices]
    if unknown_names or not names:
        msg = f"{argument}: {', '.join(unknown_names) or 'nothing'} is not allowed; "
        msg += f"allowed is {', '.join(choices)}"
        raise ValueError(msg)


def identifiers(records: Sequence[Record]) -> SearchStrategy[dict[str, str]]:
    """Return a strategy of identifiers of webhook requests: by ``id`` or by ``number``.

    Args:
        records: those that are identified; at least one.

    Raises:
        ValueError: there are no records.
    """
    return st.builds(
        lambda place, form: {form: records[place][form]}, _places(records), st.sampled_from(FORMS)
    )


def list_filters(records: Sequence[Record]) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy of one to four filters of list that one webhook request fits.

    Args:
        records: those that may fit; at least one.

    Raises:
        ValueError: there are no records.
    """

    def filters(place: int, names: Sequence[str]) -> dict[str, Any]:
        values = {name: filter_value(records[place], name) for name in names}
        texts = {name: text for name, text in values.items() if text is not None}
        return with_entity(records[place], texts)

    return st.builds(filters, _places(records), st.sampled_from((("entity",), *TOGETHER)))


def near_misses(text: str) -> SearchStrategy[str]:
    """Return a strategy of texts that are almost ``text``, or unusual; none is empty or ``text``.

    Characters are of any category, lengths and numbers are around powers of 2 and 10.
    """
    samples = [*enumerated.near_misses(text), f"{text}x"]
    texts = edits().map(lambda edit: edit(text))
    different_texts = texts.map(lambda result: f"{text}x" if result in ("", text) else result)
    return st.one_of(st.sampled_from(samples), different_texts)


def _places(records: Sequence[Record]) -> SearchStrategy[int]:
    """Return a strategy of places in a sequence: the records would be long to print."""
    if not records:
        msg = "records: none is given; at least one is needed"
        raise ValueError(msg)
    return st.integers(0, len(records) - 1)
