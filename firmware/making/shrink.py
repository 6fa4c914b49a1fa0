"""A whole number that a module names (`STUCK_MS = 60_000`) is written where it is used, in other modules too, and the name
is gone: two hundred names and their places in tables. Pure: syntax trees are changed in place; build.py asks for it.

Refuses: numbers that change, and those whose name somebody asks an object for.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable

Numbers = dict[str, int]
OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift, ast.BitOr: operator.or_,
}  # fmt: skip


def inlined(trees: dict[str, ast.Module], others: Iterable[ast.Module] = ()) -> None:
    """Modules by dotted name, and what else may speak of their names."""
    known = {module: numbers(tree) for module, tree in trees.items()}
    for module, tree in trees.items():
        trees[module] = _without_foreign(tree, known)
    heard = {module: spoken(tree) for module, tree in trees.items()}
    aside = set().union(*map(spoken, others))
    for module, tree in trees.items():
        kept = aside.union(*(names for other, names in heard.items() if other != module))
        trees[module] = _without_own(tree, kept)


def numbers(tree: ast.Module) -> Numbers:
    """The whole numbers that a module names at its top level, in capitals, and never changes."""
    found: Numbers = {}
    stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    for node in tree.body:
        for name, value in _pairs(node):
            whole = _value(value, found)
            if name.isupper() and whole is not None and stored.count(name) == 1:
                found[name] = whole
    return found


def _pairs(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Name(name)], value=value):
            return [(name, value)]
        case ast.Assign(targets=[ast.Tuple(names)], value=ast.Tuple(values)) if len(names) == len(values):
            if all(isinstance(n, ast.Name) for n in names):
                return [(n.id, v) for n, v in zip(names, values, strict=True) if isinstance(n, ast.Name)]
    return []


def _value(node: ast.expr, known: Numbers) -> int | None:
    match node:
        case ast.Constant(value) if type(value) is int:
            return value
        case ast.Name(name):
            return known.get(name)
        case ast.BinOp(left, op, right):
            a, b = _value(left, known), _value(right, known)
            if a is not None and b is not None and type(op) in OPERATORS:
                return int(OPERATORS[type(op)](a, b))
    return None


class _Inline(ast.NodeTransformer):
    def __init__(self, names: Numbers, of: dict[str, Numbers]) -> None:
        self._names, self._of = names, of

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self._names:
            return ast.Constant(self._names[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.attr in self._of.get(node.value.id, {}):
            return ast.Constant(self._of[node.value.id][node.attr])
        return self.generic_visit(node)  # type: ignore[return-value]


def _without_foreign(tree: ast.Module, known: dict[str, Numbers]) -> ast.Module:
    """Other modules' numbers in place of their names, whether imported by name or by module."""
    names: Numbers = {}
    of: dict[str, Numbers] = {}
    bound = _bound(tree)
    for node in list(ast.walk(tree)):
        for body in ("body", "orelse", "handlers", "finalbody"):
            block = getattr(node, body, None)
            if isinstance(block, list):
                setattr(node, body, [s for s in block if not _emptied(s, known, bound, names, of)])
    _Inline(names, of).visit(tree)
    return ast.fix_missing_locations(tree)


def _emptied(
    node: ast.stmt, known: dict[str, Numbers], bound: set[str], names: Numbers, of: dict[str, Numbers]
) -> bool:
    """Notes what an import brings; True if nothing of it is left."""
    if not isinstance(node, ast.ImportFrom) or not node.module:
        return False
    left = []
    for one in node.names:
        called = one.asname or one.name
        if f"{node.module}.{one.name}" in known and called not in bound:
            of[called] = known[f"{node.module}.{one.name}"]
        if one.name in known.get(node.module, {}) and called not in bound:
            names[called] = known[node.module][one.name]
        else:
            left.append(one)
    node.names = left
    return not left


def _without_own(tree: ast.Module, kept: set[str]) -> ast.Module:
    """A module's own numbers in place of their names, but for those that somebody else may ask for."""
    own = {name: value for name, value in numbers(tree).items() if name not in kept}
    body: list[ast.stmt] = []
    for node in tree.body:
        pairs = _pairs(node)
        if not any(name in own for name, _ in pairs):
            body.append(node)
            continue
        body += [
            ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)
            for name, value in pairs
            if name not in own
        ]
    tree.body = body
    _Inline(own, {}).visit(tree)
    return ast.fix_missing_locations(tree)


def spoken(tree: ast.Module) -> set[str]:
    """Names that this file and another one may have between them: attributes of another object than self, imports, and
    arguments given by name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(keywords=given):
                found |= {k.arg for k in given if k.arg}
            case ast.Attribute(value=ast.Name("self")):
                pass
            case ast.Attribute(attr=name):
                found.add(name)
            case ast.Import(names=names):
                found |= {part for n in names for part in (n.asname or n.name).split(".")}
            case ast.ImportFrom(module=module, names=names):
                found |= (
                    {n.asname or n.name for n in names}
                    | {n.name for n in names}
                    | set((module or "").split("."))
                )
    return found


def _bound(tree: ast.Module) -> set[str]:
    """Names that something in this file is stored under, or that are parameters."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(name, ast.Store() | ast.Del()) | ast.arg(name):
                found.add(name)
            case (
                ast.FunctionDef(name)
                | ast.AsyncFunctionDef(name)
                | ast.ClassDef(name)
                | ast.ExceptHandler(name=str(name))
            ):
                found.add(name)
    return found
