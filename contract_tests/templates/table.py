"""A request template: one kind of request that a run can send, and how to draw it.

To add one, write a function in a module of this folder that returns the parameters, or a whole
``Call``, and decorate it with ``template``. The variant and the webhook request are drawn apart, so
that a variant can be repeated with another webhook request.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from math import gcd
from typing import Any, Literal, TypeVar

from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, InOneLine
from crmcom_kit.contract_tests.client.logins import Logins
from crmcom_kit.contract_tests.client.made_up import nowhere
from crmcom_kit.contract_tests.client.targets import Login
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.options.scope import NOTHING, Scope
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.schemas.methods import Method, methods
from crmcom_kit.schemas.releases import Release

READ_LAYERS = ("read", "refusal")  # of show and list alone
LAYERS = (*READ_LAYERS, "login", "resend", "delete")  # in the order of the first pass
Parameters = Mapping[str, Any]
Value = TypeVar("Value")


@dataclass(slots=True, repr=False)
class Scene(InOneLine):
    """What templates draw from."""

    belief: Belief
    token: str | None = None
    allowed: frozenset[str] = frozenset()  # which of resend and delete may be called
    scope: Scope = NOTHING  # the webhook requests that may be changed
    logins: Logins = field(default_factory=Logins)  # how often to log in
    nowhere: Mapping[str, str] = field(default_factory=lambda: nowhere(0))  # names nothing
    _cache: dict[Hashable, tuple[Any, Any]] = field(default_factory=dict)  # see ``cached``
    _cache_belief: Belief | None = None

    def __repr__(self) -> str:
        """Show no secret, and none of perhaps thousands of webhook requests."""
        count = len(self.belief.records.condensed)
        return f"<scene: {count} webhook requests, {self.release.name}>"

    def frozen(self) -> "Scene":
        """Return a copy that later exchanges don't change.

        Hypothesis draws an example again to shrink it, and must draw the same.
        """
        return replace(self, belief=self.belief.frozen(), _cache={}, _cache_belief=None)

    @property
    def login(self) -> Login:
        """The credentials of the run."""
        return self.belief.tokens.credentials

    @property
    def release(self) -> Release:
        """The release that the server is held to."""
        return self.belief.release

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods of the release, by name: show, list, resend and delete are in each."""
        return methods(self.release)

    def earlier_tokens(self) -> list[str]:
        """Return a few tokens of earlier logins."""
        return [token for token in self.belief.tokens.live() if token != self.token][:3]

    def can_page(self) -> bool:
        """Return whether list has number_of_results and offset."""
        return "number_of_results" in self.methods["list"].parameters

    def cached(self, name: Hashable, make: Callable[[], Value], version: int = -1) -> Value:
        """Return what ``make`` returns, and keep it until the belief or the scope changes.

        Args:
            name: of what is kept.
            make: makes it anew.
            version: of what it depends on; by default that of the belief.
        """
        if self._cache_belief is not self.belief:
            self._cache_belief = self.belief
            self._cache.clear()
        versions = self.scope, self.belief.records.version if version < 0 else version
        if name not in self._cache or self._cache[name][0] != versions:
            self._cache[name] = versions, make()
        value: Value = self._cache[name][1]
        return value

    def records(self, state: str = "", *, in_scope: bool = False) -> Sequence[Record]:
        """Return the webhook requests that can be named, of a state and in scope if asked for."""
        return self.cached(("records", state, in_scope), lambda: [
            record.typed
            for record in self.belief.records.existing()
            if record.is_nameable and (not state or record.state == state)
            and (not in_scope or record.condensed in self.scope)
        ])  # fmt: skip

    def fresh(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return those that were not resent yet; all of them if each was."""
        return [record for record in records if not self._was_resent(record)] or records

    def resent(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return those that were resent."""
        return [record for record in records if self._was_resent(record)]

    def _was_resent(self, record: Record) -> bool:
        return self.belief.records.by_id[record["id"]].was_resent


#: The maximum number of webhook requests that a variant is tried with.
MAX_TRIED = 8

Send = Callable[[Call], Exchange]
Chooser = Callable[[Sequence[Any]], Any]  # chooses one of several


@dataclass(frozen=True, slots=True, repr=False)
class Template(InOneLine):
    """One kind of request."""

    name: str
    layer: str
    method: str
    request: Callable[[Scene, Any, Record], Parameters | Call | None]
    variants: Callable[[Scene], Sequence[Any]]
    #: A strategy of further variants, with open values; None if there are none.
    open_variants: Callable[[Scene], SearchStrategy[Any]] | None = None
    open_weight: int = 1  # how often ``open_variants`` is drawn, compared with that of others
    state: str = ""  # of the webhook request that it is about; "" for any
    #: Selects the webhook requests that it can be about.
    select: Callable[[Scene, Sequence[Record]], Sequence[Record]] | None = None
    needs_record: bool = True  # whether it is about a webhook request, which ``request`` gets
    first: int = 1  # how often it is sent in the first pass
    weight: int = 1  # how often, compared with others, in the second pass; 0: not at all
    uses_up: bool = False  # whether the webhook request is changed, and no longer fresh
    #: Whether it logs in as the real user, and whether rightly. Such logins are few.
    login: Literal["", "right", "wrong"] = ""
    needs: str = ""  # what the run must be given: a field of ``Login``
    #: Sends what must follow at once, and yields what is suspected beside what the oracle suspects.
    follow_up: Callable[[Scene, Any, Exchange, Send], Iterable[Suspicion]] | None = None

    def __repr__(self) -> str:
        """Show the name alone."""
        return f"<Template {self.name}>"

    @property
    def changes(self) -> bool:
        """Whether its method changes webhook requests."""
        return self.method in CHANGES

    @property
    def is_undocumented(self) -> bool:
        """Whether no page mentions such requests: they settle dials, and raise no suspicion."""
        return self.weight == 0

    def has_what_it_needs(self, login: Login) -> bool:
        """Return whether the run was given what the template needs."""
        return not self.needs or getattr(login, self.needs) is not None

    def choices(self, scene: Scene) -> Sequence[Any]:
        """Return the variants that can be drawn now; none if the template has to wait."""
        if self.method not in scene.methods or (self.changes and self.method not in scene.allowed):
            return ()
        if not self.has_what_it_needs(scene.login):
            return ()
        if self.needs_record and not self.records(scene):
            return ()
        return self.variants(scene)

    def records(self, scene: Scene) -> Sequence[Record]:
        """Return the webhook requests that it may be about now."""
        records = scene.records(self.state, in_scope=self.changes)
        if self.select is not None:
            return self.select(scene, records)
        return scene.fresh(records) if self.changes else records

    def draw(self, scene: Scene, variant: Any, choose: Chooser) -> Call | None:
        """Return a request of a variant, about a webhook request that ``choose`` chooses.

        Not every variant fits every webhook request, so a few are tried. None if none of them fits.
        """
        records: Sequence[Record] = self.records(scene) if self.needs_record else [{}]
        request: Parameters | Call | None = None
        for _ in range(min(MAX_TRIED, len(records))):
            record = choose(records) if self.needs_record else records[0]
            request = self.request(scene, variant, record)
            if request is not None:
                break
            records = [other for other in records if other is not record]
        if request is None or isinstance(request, Call):
            return request
        method = scene.methods[self.method]
        if "token" in method.parameters and "token" not in request:
            request = {"token": scene.token, **request}
        return build(method, {name: value for name, value in request.items() if value is not None})


def spread(variants: Sequence[Any]) -> list[Any]:
    """Return variants in an order in which neighbors have little in common."""
    count = len(variants)
    stride = next(n for n in range(int(count * 0.618) or 1, count + 2) if gcd(n, count) == 1)
    return [variants[place * stride % count] for place in range(count)]


_TEMPLATES: list[Template] = []


def all_templates() -> tuple[Template, ...]:
    """Return all templates, in the order of their layers."""
    return tuple(sorted(_TEMPLATES, key=lambda row: LAYERS.index(row.layer)))


def template(
    layer: str,
    method: str,
    variants: Iterable[Any] | Callable[[Scene], Sequence[Any]] = (None,),
    **fields: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds a function to the table as the ``request`` of a template.

    The function gets what its parameters name: ``scene``, ``method``, or ``record``, a webhook
    request. A parameter of another name gets the variant. A template whose function has no
    ``record`` is about no webhook request. A function for several methods has a decorator for each;
    the lowest adds first.
    """
    fixed_variants = () if callable(variants) else tuple(variants)
    draw_from = variants if callable(variants) else lambda _: fixed_variants

    def add(request: Callable[..., Any]) -> Callable[..., Any]:
        names = signature(request).parameters

        def draw(scene: Scene, variant: Any, record: Record) -> Any:
            values = {"scene": scene, "method": method, "record": record}
            return request(**{name: values.get(name, variant) for name in names})

        name = f"{method}: {request.__name__.replace('_', ' ')}"
        fields.setdefault("needs_record", "record" in names)
        _TEMPLATES.append(Template(name, layer, method, draw, draw_from, **fields))
        return request

    return add
