"""Many modules as people read them, into the one that a box loads. Pure: texts in, texts out; build.py calls it.

What main.py imports, and what that imports, is needed for as long as a box runs. As forty files it costs forty module
objects, tables of names, paths and import statements: 15 KB of an ESP32's 56. So it becomes one file, `main`, each
module's body standing where its import stood. A name that two modules have gets its module's name behind it.
A module that is imported inside a function is loaded when that function runs, as it was, and may be dropped again.

Refuses: what it cannot follow by reading: a module's name stored, passed on or assigned to; `import a.b`; a star.
"""

from __future__ import annotations

import ast

from making.module import Module, Renamer, Unclear, renamer_of
from making.scopes import FUNCTIONS, stored, variables_of


def bundled(
    texts: dict[str, str], root: str = "main", alone: bool = False, apart: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Modules by dotted name -> the same with `root` whole, and without those that it has taken in.

    `alone`: it takes only what nobody else imports. `apart`: modules that it must not take.
    """
    modules = {name: Module(name, text, texts.keys()) for name, text in texts.items()}
    order: list[str] = []
    _gather(modules, root, set(apart) | (_shared(modules, root, apart) if alone else set()), order)
    became = _named(modules, order)
    done = {n: _text(_Late(m, root, became).tree()) for n, m in modules.items() if n not in order}
    body: list[ast.stmt] = []
    _pour(modules, root, became, body, set(), set())
    return done | {root: _text(ast.Module(body, []))}


def _text(tree: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


# ---- who goes in, under which name


def _gather(modules: dict[str, Module], name: str, apart: set[str], order: list[str]) -> None:
    """In the order in which they would be loaded."""
    order.append(name)
    for node in modules[name].tree.body:
        if isinstance(node, ast.ImportFrom):
            for _, module, _name in modules[name].ours(node):
                if module not in order and module not in apart:
                    _gather(modules, module, apart, order)


def _shared(modules: dict[str, Module], root: str, apart: frozenset[str]) -> set[str]:
    """What somebody needs who is not taken in either."""
    asked: dict[str, set[str]] = {}
    for name, module in modules.items():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    asked.setdefault(one.name, set()).add(name)
            if isinstance(node, ast.ImportFrom):
                for _, wanted, _name in module.ours(node):
                    asked.setdefault(wanted, set()).add(name)
    shared = set(apart)
    while True:
        order: list[str] = []
        _gather(modules, root, shared, order)
        more = {m for m in order[1:] if asked.get(m, set()) - set(order)}
        if not more:
            return shared
        shared |= more


def _named(modules: dict[str, Module], order: list[str]) -> dict[tuple[str, str], str]:
    """(module, name) -> its name in the bundle. The root's own stay; what is imported from elsewhere keeps its name too."""
    foreign = {n for m in order for node in modules[m].tree.body for n in _foreign(modules[m], node, order)}
    nodes = [n for m in order for n in ast.walk(modules[m].tree)]
    variables = {v for n in nodes if isinstance(n, FUNCTIONS) for v in variables_of(n)}
    used = foreign | variables | {n.id for n in nodes if isinstance(n, ast.Name)}
    taken: set[str] = set(foreign)
    became: dict[tuple[str, str], str] = {}
    for m in order:
        for name in modules[m].own:
            new = name
            # Free, and nobody's variable: a function that has a `wait` of its own must still find ours.
            if m != order[0] and (new in taken or new in variables):
                new = f"{name}_{m.rpartition('.')[2]}"
                new = new.upper() if name.isupper() else new
            if new in taken or (new != name and new in used):
                raise Unclear(f"{m}.{name}: {new} is another one's name")
            taken.add(new)
            became[m, name] = new
    return became


def _foreign(module: Module, node: ast.stmt, order: list[str]) -> list[str]:
    if isinstance(node, ast.Import):
        if any("." in one.name and not one.asname for one in node.names):
            raise Unclear(f"{module.name}: {ast.unparse(node)}")
        return [one.asname or one.name for one in node.names]
    if isinstance(node, ast.ImportFrom):
        ours = {called for called, m, _ in module.ours(node) if m in order}
        return [one.asname or one.name for one in node.names if (one.asname or one.name) not in ours]
    return []


# ---- the whole


def _pour(
    modules: dict[str, Module],
    name: str,
    became: dict[tuple[str, str], str],
    body: list[ast.stmt],
    done: set[str],
    said: set[str],
) -> None:
    done.add(name)
    module, order = modules[name], {m for m, _ in became}
    imports = [n for n in module.tree.body if isinstance(n, ast.ImportFrom)]
    renamer = renamer_of(module, became, order, imports)
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom):
            ours = {called: m for called, m, _ in module.ours(node) if m in order}
            for m in ours.values():
                if m not in done:
                    _pour(modules, m, became, body, done, said)
            node.names = [n for n in node.names if (n.asname or n.name) not in ours]
            if not node.names:
                continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            text = ast.unparse(node)
            if text not in said:  # twice is once
                said.add(text)
                body.append(node)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            body.append(renamer.visit(node))


class _Late:
    """A module that is loaded beside the bundle: what it wants of the modules in there it asks of the bundle."""

    def __init__(self, module: Module, root: str, became: dict[tuple[str, str], str]) -> None:
        self._module, self._root, self._became = module, root, became
        self._mark = "_" + root.rpartition(".")[2]  # behind a name that is somebody's here already
        self._order = {m for m, _ in became}

    def tree(self) -> ast.Module:
        tree = self._module.tree
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        renamer = renamer_of(self._module, self._became, self._order, imports)
        renamer.names = {c: n for c, n in renamer.names.items() if (self._module.name, c) not in self._became}
        bound = {n for f in ast.walk(tree) if isinstance(f, FUNCTIONS) for n in variables_of(f)} | set(
            stored(tree.body)
        )
        for names in renamer.aliases.values():
            for name, new in names.items():
                names[name] = new + self._mark if new in bound else new
        asked = self._asked(renamer)
        tree = renamer.visit(tree)
        self._imports(tree, asked)
        return tree

    def _asked(self, renamer: Renamer) -> dict[str, list[str]]:
        """Of each module known here by name, what is asked of it."""
        found: dict[str, list[str]] = {}
        for node in ast.walk(self._module.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                called = node.value.id
                if called in renamer.aliases and node.attr in renamer.aliases[called]:
                    new = renamer.aliases[called][node.attr]
                    if new not in found.setdefault(called, []):
                        found[called].append(new)
        return found

    def _imports(self, tree: ast.Module, asked: dict[str, list[str]]) -> None:
        for node in list(ast.walk(tree)):
            for field in ("body", "orelse", "handlers", "finalbody"):
                block = getattr(node, field, None)
                if isinstance(block, list):
                    setattr(node, field, [n for s in block for n in self._import(s, asked)])

    def _import(self, node: ast.stmt, asked: dict[str, list[str]]) -> list[ast.stmt]:
        if not isinstance(node, ast.ImportFrom):
            return [node]
        wanted: list[str] = []
        left = {n.asname or n.name: n for n in node.names}
        for called, m, name in self._module.ours(node):
            if m in self._order and m != self._root:
                del left[called]
                wanted += asked.get(called, []) if name is None else [self._became[m, name]]
        node.names = list(left.values())
        new = (
            [ast.ImportFrom(self._root, [self._alias(n) for n in dict.fromkeys(wanted)], 0)] if wanted else []
        )
        return [*([node] if left else []), *new]

    def _alias(self, name: str) -> ast.alias:
        there = name.removesuffix(self._mark)
        return ast.alias(there, None if name == there else name)
