"""A request template: one kind of request that a run can send, with how to draw it.

To add one, write a function in a module of this folder that returns the parameters, or a whole
``Call``, and decorate it with ``template``. The variant and the webhook request are separate
draws: so the same variant can be repeated with another webhook request.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from math import gcd
from typing import Any, Literal, TypeVar

from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.belief.belief import Belief, Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, InOneLine
from crmcom_kit.contract_tests.client.logins import Logins
from crmcom_kit.contract_tests.client.made_up import nowhere
from crmcom_kit.contract_tests.client.targets import Login
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.schemas.methods import Method, methods
from crmcom_kit.schemas.releases import Release

READS = ("read", "refusal")  # of show and list alone
LAYERS = (*READS, "login", "resend", "delete")  # in the order of the first pass
Parameters = Mapping[str, Any]
Made = TypeVar("Made")


@dataclass(slots=True, repr=False)
class Scene(InOneLine):
    """What templates draw from."""

    belief: Belief
    login: Login
    token: str | None = None
    allowed: frozenset[str] = frozenset()  # which of resend and delete may be called
    may_change: Callable[[Record], bool] = lambda _: False
    everything: bool = False  # whether any webhook request may be changed
    logins: Logins = field(default_factory=Logins)  # how often to log in
    nowhere: Mapping[str, str] = field(default_factory=lambda: nowhere(0))  # names nothing
    _made: dict[Hashable, tuple[Any, Any]] = field(default_factory=dict)  # see ``once``
    _made_of: Belief | None = None

    def __repr__(self) -> str:
        """Name no secret, and none of thousands of webhook requests."""
        return f"<scene: {len(self.belief.records)} webhook requests, {self.release.name}>"

    def frozen(self) -> "Scene":
        """Return a copy that later exchanges don't change.

        Hypothesis draws an example again to shrink it, and has to draw the same.
        """
        return replace(self, belief=self.belief.frozen(), _made={}, _made_of=None)

    @property
    def release(self) -> Release:
        """The release that the server is held to."""
        return self.belief.release

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods of the release, by name: show, list, resend and delete are in each."""
        return methods(self.release)

    def earlier_tokens(self) -> list[str]:
        """Return tokens of earlier logins: a few of them."""
        return [each for each in self.belief.live_tokens() if each != self.token][:3]

    def can_page(self) -> bool:
        """Whether list has number_of_results and offset."""
        return "number_of_results" in self.methods["list"].parameters

    def once(self, name: Hashable, make: Callable[[], Made], version: int = -1) -> Made:
        """Return what ``make`` returns, the same until other webhook requests are known.

        ``version`` is that of the belief, unless another one is given.
        """
        if self._made_of is not self.belief:
            self._made_of = self.belief
            self._made.clear()
        at = self.may_change, self.belief.version if version < 0 else version
        if name not in self._made or self._made[name][0] != at:
            self._made[name] = at, make()
        made: Made = self._made[name][1]
        return made

    def records(self, state: str = "", *, in_scope: bool = False) -> Sequence[Record]:
        """Return the webhook requests that can be named, of a state and in scope if asked for."""
        return self.once(("records", state, in_scope), lambda: [
            each.typed
            for each in self.belief.existing()
            if each.is_nameable and (not state or each.state == state)
            and (not in_scope or self.may_change(each.record))
        ])  # fmt: skip

    def fresh(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return those that were not sent again yet; all if there are none."""
        known = self.belief.tracked
        return [each for each in records if not known[each["id"]].resent] or records

    def resent(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return those that were sent again."""
        return [each for each in records if self.belief.tracked[each["id"]].resent]


#: So many webhook requests are tried before a variant is left out.
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
    #: Further variants, with values that no list names; None: there are none.
    further: Callable[[Scene], SearchStrategy[Any]] | None = None
    share: int = 1  # how often ``further`` is drawn, compared with that of others
    state: str = ""  # of the webhook request that it is about; "" any
    #: Chooses those that it can be about.
    among: Callable[[Scene, Sequence[Record]], Sequence[Record]] | None = None
    about: bool = True  # whether it is about a webhook request at all
    first: int = 1  # how often in the first pass
    weight: int = 1  # how often, compared with others, in the second pass; 0: see ``is_odd``
    spends: bool = False  # it changes the webhook request
    #: Whether it logs in as the real user: with all that is right, or not. Such logins are few.
    login: Literal["", "right", "wrong"] = ""
    needs: str = ""  # what the run has to be given, as ``Login`` calls it
    #: Sends what has to follow at once, and says what is suspect beside all that the oracle tells.
    then: Callable[[Scene, Any, Exchange, Send], Iterable[Suspicion]] | None = None

    def __repr__(self) -> str:
        """Show the name alone."""
        return f"<Template {self.name}>"

    @property
    def changes(self) -> bool:
        """Whether it goes to a method that changes webhook requests."""
        return self.method in CHANGES

    @property
    def is_odd(self) -> bool:
        """Whether no page mentions such requests: they settle dials, and nothing is suspected."""
        return self.weight == 0

    def has_what_it_needs(self, login: Login) -> bool:
        """Whether the run was given what the template needs."""
        return not self.needs or getattr(login, self.needs) is not None

    def choices(self, scene: Scene) -> Sequence[Any]:
        """Return the variants that can be drawn now; none if the template has to wait."""
        if self.method not in scene.methods or (self.changes and self.method not in scene.allowed):
            return ()
        if not self.has_what_it_needs(scene.login):
            return ()
        if self.about and not self.records(scene):
            return ()
        return self.variants(scene)

    def records(self, scene: Scene) -> Sequence[Record]:
        """Return the webhook requests that it may be about now."""
        found = scene.records(self.state, in_scope=self.changes)
        if self.among is not None:
            return self.among(scene, found)
        return scene.fresh(found) if self.changes else found

    def draw(self, scene: Scene, variant: Any, choose: Chooser) -> Call | None:
        """Return a request of a variant, about a webhook request that ``choose`` chooses.

        Not every variant fits every webhook request: a few are tried. None if none of them fits.
        """
        found: Sequence[Record] = self.records(scene) if self.about else [{}]
        given: Parameters | Call | None = None
        for _ in range(min(MAX_TRIED, len(found))):
            record = choose(found) if self.about else found[0]
            given = self.request(scene, variant, record)
            if given is not None:
                break
            found = [each for each in found if each is not record]
        if given is None or isinstance(given, Call):
            return given
        method = scene.methods[self.method]
        if "token" in method.parameters and "token" not in given:
            given = {"token": scene.token, **given}
        return build(method, {name: value for name, value in given.items() if value is not None})


def spread(variants: Sequence[Any]) -> list[Any]:
    """Return variants in an order in which neighbors have little in common."""
    count = len(variants)
    stride = next(n for n in range(int(count * 0.618) or 1, count + 2) if gcd(n, count) == 1)
    return [variants[at * stride % count] for at in range(count)]


_TEMPLATES: list[Template] = []


def all_templates() -> tuple[Template, ...]:
    """Return all templates, in the order of their layers."""
    return tuple(sorted(_TEMPLATES, key=lambda each: LAYERS.index(each.layer)))


def template(
    layer: str,
    method: str,
    variants: Iterable[Any] | Callable[[Scene], Sequence[Any]] = (None,),
    **more: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the function below to the table; it gets the scene, a variant and a webhook request.

    A function for several methods has a line for each, the lowest one first. It also gets the
    method, if it has a parameter of that name.
    """
    fixed = () if callable(variants) else tuple(variants)
    draw_from = variants if callable(variants) else lambda _: fixed

    def add(request: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{method}: {request.__name__.strip('_').replace('_', ' ')}"
        takes_method = "method" in signature(request).parameters
        bound = partial(request, method=method) if takes_method else request
        _TEMPLATES.append(Template(name, layer, method, bound, draw_from, **more))
        return request

    return add
