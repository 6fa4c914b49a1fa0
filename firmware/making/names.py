"""Names as people read them, into names that cost a box nothing. Pure: syntax trees are changed in place.

MicroPython keeps each name once, for ever, in a pool that doubles when it is full: 7 KB at once at 630. Names that are in
ROM (`append`, `unpack`: every build has them) cost none of it, so what only our own text can mean takes one of those:

- a module's own functions, classes and variables;       - a parameter, unless it is given by name;
- what a class calls its own (`self._sent`), class by class;
- what classes of main, box/ and tasks/ offer each other (`core.journal`), one name for one, everywhere.

Refuses: what a port, a driver, a board or a program's first file speaks of: fakes and consoles know those by name; a name
that a foreign object has too; classes with a base, whose names come to light in messages and whose attributes may be
somebody else's. `names.txt` beside the output says what became of what.
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from string import ascii_lowercase

from making.scopes import FUNCTIONS

OPEN = ("ports.", "boards.", "drivers.")  # their attributes are known by name outside the firmware
DELIVERED = "boot_slot"  # an older one may run a newer firmware: its names never change

_LINES = Path(__file__).with_name("rom.txt").read_text().splitlines()
ROM = [word for line in _LINES if not line.startswith("#") for word in line.split()]
NEVER = {
    "self",
    "super",
    "const",
    "micropython",
    "print",
    "_",
    *keyword.kwlist,
}  # the compiler looks at these itself
# Of asyncio, of objects that modules give, and of exceptions: never ours to rename, in ROM or not.
FOREIGN = set(ROM) | set(dir(builtins)) | {
    "out_buf", "drain", "wait", "is_set", "set", "cancel", "done", "core", "create_task", "wait_for_ms", "run", "Event",
    "errno", "value", "s", "wait_closed", "readexactly", "get_extra_info", "coro", "data", "state", "ph_key", "cur_task",
}  # fmt: skip


def renamed(trees: dict[str, ast.Module], others: Iterable[ast.Module]) -> dict[str, dict[str, str]]:
    """Modules by dotted name, and what else may speak of their names -> what became of which name, module by module."""
    said = _Said(trees, list(others))
    became: dict[str, dict[str, str]] = {module: {} for module in trees}
    moved: dict[tuple[str, str], str] = {}
    for module, tree in trees.items():
        if module != DELIVERED:
            _globals(module, tree, said, moved, became[module])
    for module, tree in trees.items():
        _imports(tree, moved, said, became[module])
    _offered(trees, said, became)
    for module, tree in trees.items():
        if module == DELIVERED:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.bases:
                _own(node, module.startswith(OPEN), said, became[module])
        for function in _outermost(tree):
            _parameters(function, said, became[module])
    return became


class _Said:
    """What the whole program says, before anything is renamed."""

    def __init__(self, trees: dict[str, ast.Module], others: list[ast.Module]) -> None:
        self.by_name: set[str] = set()  # arguments
        self.of_modules: set[str] = set()  # `update.begin`: an attribute of a plain name
        self.open: set[str] = set()
        self.attributes: set[str] = set()
        self.not_self: set[str] = set()
        for module, tree in chain(trees.items(), (("", other) for other in others)):
            outside = not module or module == DELIVERED or module.startswith(OPEN)
            imported = {n for node in ast.walk(tree) for n in _brought(node)}
            for node in ast.walk(tree):
                match node:
                    case ast.Call(keywords=given):
                        self.by_name |= {k.arg for k in given if k.arg}
                    case ast.Attribute(value=value, attr=name):
                        self.attributes.add(name)
                        if not (isinstance(value, ast.Name) and value.id == "self"):
                            self.not_self.add(name)
                        if isinstance(value, ast.Name) and value.id in imported:
                            self.of_modules.add(name)
                        if outside:
                            self.open.add(name)
                    case ast.ImportFrom(names=names) if not module:
                        self.open |= {n.name for n in names}
                    case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if outside:
                        self.open.add(name)
                    case ast.ClassDef() if outside:
                        self.open |= _attributes(node)


def _brought(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for one in node.names:
            yield (one.asname or one.name).partition(".")[0]


def _fresh(avoid: set[str]) -> Iterator[str]:
    short = (f"_{a}{b}" for a in ("", *ascii_lowercase) for b in ascii_lowercase)
    return (n for n in chain(ROM, short) if n not in avoid and n not in NEVER)


def _words(tree: ast.AST) -> set[str]:
    """Every name in a text that is not an attribute."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(name) | ast.arg(name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.Global(names) | ast.Nonlocal(names):
                found |= set(names)
        found |= set(_brought(node))
    return found


class _Words(ast.NodeTransformer):
    """Renames what is no attribute. Methods are attributes: only functions at the top level change their own name."""

    def __init__(self, new: dict[str, str]) -> None:
        self._new = new

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "arg"):
            name = getattr(node, field, None)
            if isinstance(name, str) and name in self._new and not isinstance(node, ast.keyword):
                setattr(node, field, self._new[name])
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self._new.get(n, n) for n in node.names]
        return super().generic_visit(node)


# ---- a module's own


def _globals(
    module: str, tree: ast.Module, said: _Said, moved: dict[tuple[str, str], str], became: dict[str, str]
) -> None:
    own = []
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                own.append(name)
            case ast.ClassDef(name=name, bases=[]):
                own.append(name)
            case ast.Assign(targets=targets):
                own += [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    if module.startswith(OPEN):
        own = [n for n in own if n.startswith("_")]
    variables = {n for f in _outermost(tree) for n in _bound_within(f)}
    free = _fresh(_words(tree))
    new = {
        n: next(free)
        for n in dict.fromkeys(own)
        if n not in said.of_modules | said.open | variables | NEVER and n not in ROM
    }
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.name = new.get(node.name, node.name)
    _Words(new).visit(tree)
    moved |= {(module, n): to for n, to in new.items()}
    became |= new


def _bound_within(function: ast.AST) -> set[str]:
    """Parameters and variables of a function and of those in it."""
    found = set()
    for node in ast.walk(function):
        match node:
            case ast.arg(name) | ast.Name(name, ast.Store()) | ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if node is not function:
                found.add(name)
    return found - {n for g in ast.walk(function) if isinstance(g, ast.Global) for n in g.names}


def _imports(
    tree: ast.Module, moved: dict[tuple[str, str], str], said: _Said, became: dict[str, str]
) -> None:
    """What has moved elsewhere is asked for by its new name, and is called by one from ROM here too."""
    free = _fresh(_words(tree))
    here: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for one in node.names:
                new = moved.get((str(node.module), one.name))
                if new:
                    called = one.asname or one.name
                    here[called] = here.get(called) or next(free)
                    one.name, one.asname = new, here[called]
    _Words(here).visit(tree)
    became |= here


# ---- attributes


def _offered(trees: dict[str, ast.Module], said: _Said, became: dict[str, dict[str, str]]) -> None:
    defined: set[str] = set()
    based: set[str] = set()
    for module, tree in trees.items():
        if module == DELIVERED or module.startswith(OPEN):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                (based if node.bases else defined).update(_attributes(node))
    fixed = said.open | said.of_modules | based | FOREIGN | said.by_name
    ours = sorted(n for n in defined - fixed if n in said.not_self and not n.startswith("__"))
    free = _fresh(said.attributes)
    new = {n: next(free) for n in ours}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in new:
                node.attr = new[node.attr]
            if isinstance(node, ast.ClassDef):
                _rename_members(node, new)
        if module == "main":
            became[module] |= {f".{n}": to for n, to in new.items()}


def _attributes(node: ast.ClassDef) -> set[str]:
    """What a class itself says it has."""
    found = set()
    for inner in ast.walk(node):
        match inner:
            case ast.Attribute(value=ast.Name("self"), attr=name):
                found.add(name)
    for statement in node.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {t.id for t in targets if isinstance(t, ast.Name)}
    return found


def _rename_members(node: ast.ClassDef, new: dict[str, str]) -> None:
    for statement in node.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                statement.name = new.get(name, name)
            case ast.Assign(targets=targets):
                for t in targets:
                    if isinstance(t, ast.Name):
                        t.id = new.get(t.id, t.id)


def _own(node: ast.ClassDef, open_module: bool, said: _Said, became: dict[str, str]) -> None:
    """What a class says of itself alone."""
    has = _attributes(node)
    free = _fresh(has)
    kept = said.not_self | FOREIGN
    mine = sorted(n for n in has - kept if not n.startswith("__") and (n.startswith("_") or not open_module))
    new = {n: next(free) for n in mine}
    for inner in ast.walk(node):
        if (
            isinstance(inner, ast.Attribute)
            and isinstance(inner.value, ast.Name)
            and inner.value.id == "self"
        ):
            inner.attr = new.get(inner.attr, inner.attr)
    _rename_members(node, new)
    became |= {f"{node.name}.{n}": to for n, to in new.items()}


# ---- parameters


def _outermost(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, FUNCTIONS):
            yield child
        else:
            yield from _outermost(child)


def _parameters(function: ast.AST, said: _Said, became: dict[str, str]) -> None:
    named = [n.arg for n in ast.walk(function) if isinstance(n, ast.arg)]
    free = _fresh(_words(function))
    new = {
        n: next(free)
        for n in dict.fromkeys(named)
        if n not in said.by_name and n not in NEVER and n not in ROM
    }
    _Words(new).visit(function)
