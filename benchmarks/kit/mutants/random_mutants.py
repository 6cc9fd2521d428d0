"""Mutants of the sound server that differ from it in one place of its syntax tree, at random."""

import ast
import builtins
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from functools import cache, partial
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import stand_in
from stand_in.legal import Variant

from mutants.script import is_equivalent

FILES = ("world", "reading", "tokens", "server")  # in the order in which they import each other
RELEASES = ("R9", "R10", "R12", "R13", "R15")
#: What the documents leave open as a whole, or what only fills the world or sets the server up:
#: functions, classes, and names of constants.
LEFT_ALONE = {
    *("key_order", "hash_bucket", "hiccup", "behind_gateway", "Clock", "naive", "__post_init__"),
    *("is_turn", "other_user", "work_of_others", "add", "Refusal", "Reply", "fill", "make_world"),
    *("make_person", "add_record", "record_id", "number", "hex_id", "named", "World", "Named"),
    *("ERRORS", "API_PATH", "USERNAME", "PASSWORD", "ORGANISATION", "WEB_API_KEY", "RECORDS"),
    *("FIRST_DAY", "TRACE", "PEOPLE", "EMPTIED_NAMES", "DEPTH"),
}
#: The order of members is open, and this one is quick.
QUICK = {"key_order": "plain"}
OPPOSITES: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
}  # fmt: skip


@cache
def tree_of(file: str) -> ast.Module:
    """Return the syntax tree of a file of the sound server."""
    return ast.parse(Path(stand_in.__path__[0], f"{file}.py").read_text("utf-8"))


def nodes(node: ast.AST) -> Iterator[tuple[ast.AST, Callable[[ast.AST], None]]]:
    """Yield what may be changed below a node, with what replaces it, always in the same order."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        below: list[Any] = [(value, partial(setattr, node, name))]
        if isinstance(value, list):
            below = [(each, partial(value.__setitem__, at)) for at, each in enumerate(value)]
        for each, replace in below:
            if isinstance(each, ast.AST) and not is_left_alone(each, node):
                yield each, replace
                yield from nodes(each)


def is_left_alone(node: ast.AST, parent: ast.AST) -> bool:
    """Return whether nothing in a node is changed."""
    if isinstance(node, ast.Compare | ast.Subscript) and reads_choice(node):
        return True  # another choice makes another sound server
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(parent, ast.Raise):
        return True  # the documents leave open how a refusal is put
    if isinstance(parent, ast.Compare) and isinstance(parent.ops[0], ast.Is | ast.IsNot):
        return isinstance(node, ast.Constant)
    return bool(LEFT_ALONE & set(names_of(node)))


def reads_choice(node: ast.AST) -> bool:
    """Return whether an expression reads one of the choices that the documents leave open."""
    holders = (each.value for each in ast.walk(node) if isinstance(each, ast.Attribute))
    return any("choices" in (getattr(x, "attr", ""), getattr(x, "id", "")) for x in holders)


def names_of(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (each.id for each in node.targets if isinstance(each, ast.Name))


def replacements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the kinds of change that apply to a node, each with what replaces the node."""
    if isinstance(node, ast.Compare):
        for operator in OPPOSITES.get(type(node.ops[0]), ()):
            yield "comparison", ast.Compare(node.left, [operator()], node.comparators)
    elif isinstance(node, ast.BoolOp) and not reads_choice(node):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "boolean", ast.BoolOp(other, node.values)
        yield from (("boolean", value) for value in node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "boolean", node.operand
    elif isinstance(node, ast.Constant):
        for value in other_values(node.value):
            yield "string" if isinstance(node.value, str) else "constant", ast.Constant(value)
    elif isinstance(node, ast.If | ast.IfExp) and not reads_choice(node.test):
        negated: Any = copy(node)
        negated.test = ast.UnaryOp(ast.Not(), node.test)
        yield "boolean", negated
    if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.If | ast.For):
        yield "statement", ast.Pass()
        yield "statement", ast.Return(ast.Constant(None))


def other_values(value: object) -> tuple[Any, ...]:
    """Return the constants that may stand instead of one."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int | float):
        return (value + 1, value - 1)
    if isinstance(value, str):
        return (f"{value}x", value[:-1]) if value else ("x",)
    return ("",) if value is None else ()


def changes() -> dict[str, list[str]]:
    """Return every change that can be made, by its kind: file, position, way and kind again."""
    found: dict[str, list[str]] = {}
    for file in FILES:
        for position, (node, _) in enumerate(nodes(tree_of(file))):
            for way, (kind, _) in enumerate(replacements(node)):
                found.setdefault(kind, []).append(f"{file}:{position}:{way}:{kind}")
    return found


def server_class(changed_file: str, tree: ast.Module) -> Any:
    """Return the class of the server in modules that are made anew, with one that is changed."""
    made: dict[str, ModuleType] = {}

    def imported(name: str, *arguments: Any, **more: Any) -> Any:
        if name == "stand_in":
            return SimpleNamespace(reading=made["stand_in.reading"])
        return made.get(name) or builtins.__import__(name, *arguments, **more)

    for file in FILES:
        module = ModuleType(f"mutant_{file}")
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": imported}
        code = compile(
            tree if file == changed_file else tree_of(file), f"mutant of {file}.py", "exec"
        )
        exec(code, module.__dict__)  # noqa: S102 - this is the sound server's own source
        made[f"stand_in.{file}"] = module
    made_class = made["stand_in.server"].__dict__["StandIn"]
    return type("Mutant", (made_class,), {"__call__": answer_or_fail})


def answer_or_fail(self: Any, environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer a WSGI request, with HTTP 500 where the server crashes."""
    try:
        return super(type(self), self).__call__(environ, start_response)  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 - as a container of servlets does
        start_response("500 Error", [("Content-Type", "text/html")])
        return [b"<html>Internal Server Error</html>"]


def mutant(change: str, release: str) -> Variant | None:
    """Return the mutant of a change, or None if it does not start or changes no answer."""
    file, position, way, _ = change.split(":")
    tree = deepcopy(tree_of(file))
    node: Any
    node, replace = [*nodes(tree)][int(position)]
    new = [*replacements(node)][int(way)][1]
    before, after = (ast.unparse(each).partition("\n")[0] for each in (node, new))
    replace(ast.fix_missing_locations(ast.copy_location(new, node)))
    about = f"{file}.py:{node.lineno}: {before}  ->  {after}"
    try:
        found = Variant(change, about, QUICK, release, server_class(file, tree))
        equivalent = is_equivalent(found.server(), found.choices, release)
    except Exception:  # noqa: BLE001 - whatever it is, this server does not start
        return None
    return None if equivalent else found


def candidates(seed: int) -> Iterator[tuple[str, str]]:
    """Yield changes and releases at random: first a kind, then one of its changes."""
    random = Random(seed)
    left = changes()
    for of_kind in left.values():
        random.shuffle(of_kind)
    while left:
        kind = random.choice(sorted(left))
        yield left[kind].pop(), random.choice(RELEASES)
        if not left[kind]:
            del left[kind]
