"""The part of reference/python-api.md that comes from signatures and docstrings.

It is read from the source, so that it is the same whatever version of Python makes it.
"""

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pkgutil import resolve_name
from types import ModuleType

from reference_pages.markdown import docstring_markdown, table

#: Sections of a docstring, and what they are called on the page.
_TITLES = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Returns": "Returns",
    "Yields": "Yields",
    "Raises": "Raises",
}
_SECTION = re.compile(f"({'|'.join(_TITLES)}):")
_ITEM = re.compile(r" {4}(\w[\w, .]*): (.*)")
_LINE = 88
_FENCE = "```py"  # what is marked as `python` is run by a test of the docs

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class _Member:
    """Something public of a class, and what is said of it."""

    name: str
    text: str
    type: str = ""  # of an attribute
    signature: str = ""  # of a method

    def cell(self) -> str:
        """Return what is said of it as one line."""
        return docstring_markdown(" ".join(self.text.split()))


def entries(*names: str) -> str:
    """Return an entry for each name.

    A name is ``module:function``, ``module:Class`` with its members, ``module:Class=some,others``
    with these alone, or ``module`` for its functions and classes.
    """
    return "\n".join(line for name in names for line in _entry(name))


def _entry(text: str) -> Iterator[str]:
    name, only, members = text.partition("=")
    value = resolve_name(name)
    if inspect.ismodule(value):
        short = name.rpartition(".")[2]
        yield from (f"### {name}", "", *_described(inspect.getdoc(value) or ""))
        for node in _definitions(value):
            if not node.name.startswith("_"):
                yield from _section(node, value, f"{name}.", f"{short}.{node.name}")
    else:
        home = sys.modules[value.__module__]
        node = next(node for node in _definitions(home) if node.name == value.__name__)
        path = name.partition(":")[0] + "."
        yield from _section(node, home, path, node.name, members.split(",") if only else None)


def _definitions(module: ModuleType) -> Iterator[Function | ast.ClassDef]:
    """Yield the functions and classes that a module defines."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, Function | ast.ClassDef):
            yield node


def _section(
    node: Function | ast.ClassDef,
    home: ModuleType,
    path: str,
    heading: str,
    only: Sequence[str] | None = None,
) -> Iterator[str]:
    """Yield what is said of a function or class, and of the members, or ``only`` some of them.

    ``path`` is what its full name begins with.
    """
    yield from (f"### {heading}", "")
    if not isinstance(node, ast.ClassDef):
        yield from (*_code(_signature(node, path)), *_described(ast.get_docstring(node) or ""))
        return
    value = getattr(home, node.name)
    parts = [(part.__name__, sys.modules[part.__module__]) for part in _classes(value)]
    hidden = {name for name, _ in parts}
    bases = ", ".join(base for base in map(ast.unparse, node.bases) if base not in hidden)
    yield from _code(f"class {path}{node.name}" + (f"({bases})" if bases else ""))
    yield from _described(ast.get_docstring(node) or "")
    own = [member for name, module in parts for member in _members(_class(name, module), module)]
    members = [member for member in own if only is None or member.name in only]
    rows = [each for each in members if not each.signature]
    if rows:
        cells = [(f"`{each.name}`", each.type and f"`{each.type}`", each.cell()) for each in rows]
        yield from (*table(["attribute", "type", "what it is"], cells), "")
    for member in members:
        if member.signature:
            yield from (f"#### {node.name}.{member.name}", "")
            yield from (*_code(member.signature), *_described(member.text))


def _class(name: str, module: ModuleType) -> ast.ClassDef:
    """Return the source of a class."""
    nodes = (node for node in _definitions(module) if isinstance(node, ast.ClassDef))
    return next(node for node in nodes if node.name == name)


def _classes(value: type) -> list[type]:
    """Return a class and the bases that its package does not export, which have no own entry."""
    package = sys.modules[value.__module__].__package__
    exported: list[str] = getattr(sys.modules[str(package)], "__all__", [])
    found = [value]
    for base in value.__bases__ if exported else ():
        is_own = sys.modules[base.__module__].__package__ == package
        if is_own and base.__name__ not in exported:
            found += [inner for inner in _classes(base) if inner not in found]
    return found


def _members(node: ast.ClassDef, module: ModuleType) -> Iterator[_Member]:
    """Yield the public members of a class that say what they are, in the order of the source."""
    lines = inspect.getsource(module).splitlines()
    for child in node.body:
        if not isinstance(child, Function):
            is_field = "Attributes:" not in (ast.get_docstring(node) or "")
            yield from _attribute(child, lines, is_field=is_field)
        elif child.name == "__init__":
            for statement in child.body:
                yield from _attribute(statement, lines)
        elif (text := ast.get_docstring(child)) and not child.name.startswith("_"):
            is_property = any(
                "property" in ast.unparse(decorator) for decorator in child.decorator_list
            )
            kind = _type(child.returns) if child.returns else ""
            if is_property:
                yield _Member(child.name, text, type=kind)
            else:
                yield _Member(child.name, text, signature=_signature(child))


def _attribute(node: ast.stmt, lines: list[str], *, is_field: bool = False) -> Iterator[_Member]:
    """Yield an attribute, if a comment ``#:`` above its line says what it is; a field always.

    What a field is may also be said at the end of its line.
    """
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return
    comments = list(takewhile(_is_said, map(str.strip, reversed(lines[: node.lineno - 1]))))
    text = " ".join(comment.removeprefix("#:").strip() for comment in reversed(comments))
    if is_field and not text and isinstance(node, ast.AnnAssign):
        text = lines[node.lineno - 1].partition("  # ")[2]
        text = f"{text[:1].upper()}{text[1:].removesuffix('.')}." if text else " "
    if not text:
        return
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name = ast.unparse(target).removeprefix("self.")
    if isinstance(node, ast.AnnAssign):
        kind = _type(node.annotation)
    else:  # what a class makes has its type
        maker = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
        kind = maker if maker[:1].isupper() else ""
    if not name.startswith("_"):
        yield _Member(name, text, type=kind)


def _is_said(line: str) -> bool:
    return line.startswith("#:")


def _signature(node: Function, path: str = "") -> str:
    """Return a function as it is called, without ``self``; a long one has a line an argument."""
    arguments = [argument for argument in _arguments(node.args) if argument not in ("self", "cls")]
    if arguments[:1] == ["/"]:
        del arguments[0]
    returns = f" -> {_type(node.returns)}" if node.returns else ""
    name = f"{path}{node.name}"
    line = f"{name}({', '.join(arguments)}){returns}"
    if len(line) <= _LINE:
        return line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in arguments), f"){returns}"])


def _arguments(args: ast.arguments) -> Iterator[str]:
    plain = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + [*args.defaults]
    for at, (arg, default) in enumerate(zip(plain, defaults, strict=True), 1):
        yield _argument(arg, default)
        if at == len(args.posonlyargs):
            yield "/"
    if args.vararg:
        yield f"*{_argument(args.vararg)}"
    elif args.kwonlyargs:
        yield "*"
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield _argument(arg, default)
    if args.kwarg:
        yield f"**{_argument(args.kwarg)}"


def _argument(arg: ast.arg, default: ast.expr | None = None) -> str:
    kind = f": {_type(arg.annotation)}" if arg.annotation else ""
    if default is None:
        return f"{arg.arg}{kind}"
    equals = " = " if kind else "="
    value = ast.unparse(default)
    if isinstance(default, ast.Constant) and isinstance(default.value, str):
        value = json.dumps(default.value)
    return f"{arg.arg}{kind}{equals}{value}"


def _type(node: ast.expr) -> str:
    """Return a type as it is written, without the quotes of one that is imported later."""
    return re.sub(r"'((?:\w+\.)*[A-Z]\w*(?:\[[^']*\])?)'", r"\1", ast.unparse(node))


def _code(code: str) -> list[str]:
    return [_FENCE, code, "```", ""]


def _described(docstring: str) -> Iterator[str]:
    """Yield a docstring as Markdown: prose, examples, and lists of arguments and errors."""
    for title, lines in _sections(docstring.splitlines()):
        if not title:
            yield from _prose(lines)
            continue
        yield from (f"**{_TITLES[title]}:**", "")
        for line in lines:
            item = _ITEM.fullmatch(line) if title not in ("Returns", "Yields") else None
            if item:
                names = ", ".join(f"`{name.strip()}`" for name in item[1].split(","))
                yield f"- {names}: {docstring_markdown(item[2])}"
            else:  # what belongs to an item is indented by four more, and by two in Markdown
                yield docstring_markdown(re.sub(r"^ {4}( {2})? {0,2}", r"\1", line))
    yield ""


def _sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of a docstring: the name of a section, "" for prose, and its lines."""
    title = ""
    part: list[str] = []
    for line in lines:
        heading = _SECTION.fullmatch(line)
        if heading or (title and line and not line.startswith(" ")):
            yield title, part
            title, part = (heading[1], []) if heading else ("", [line])
        else:
            part.append(line)
    yield title, part


def _prose(lines: list[str]) -> Iterator[str]:
    """Yield prose; lines that are indented after an empty one are an example."""
    is_example = False
    for above, line in pairwise(["", *lines]):
        if not is_example and line.startswith("    ") and not above:
            is_example = True
            yield _FENCE
        elif is_example and not line.startswith("    "):
            is_example = False
            yield "```"
        yield line[4:] if is_example else docstring_markdown(line)
    if is_example:
        yield "```"
