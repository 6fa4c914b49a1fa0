"""A module of the firmware as bundle.py sees it: what it defines, what of ours it imports, and its names by what they
become in the bundle. Pure: syntax trees are changed in place.

Refuses: what it cannot follow by reading: a module's name stored, passed on or assigned to.
"""

from __future__ import annotations

import ast

from making.scopes import stored, variables_of


class Unclear(Exception):
    """The text says something that only a running program could answer."""


class Module:
    def __init__(self, name: str, text: str, known: object) -> None:
        self.name, self.tree, self._known = name, ast.parse(text), known
        self.own: list[str] = []  # what it defines
        for node in self.tree.body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                self.own += [n for n in stored([node]) if n not in self.own]

    def ours(self, node: ast.ImportFrom) -> list[tuple[str, str, str | None]]:
        """(what it is called here, module, name in it or None for the module itself), of an import of our own modules."""
        found = []
        for one in node.names:
            called = one.asname or one.name
            if f"{node.module}.{one.name}" in self._known:  # type: ignore[operator]
                found.append((called, f"{node.module}.{one.name}", None))
            elif node.module in self._known:  # type: ignore[operator]
                found.append((called, str(node.module), one.name))
        return found


class Renamer(ast.NodeTransformer):
    """Names of a module's top level by what they became, wherever they are not somebody's own variable."""

    def __init__(self, module: Module, names: dict[str, str], aliases: dict[str, dict[str, str]]) -> None:
        self._module, self.names, self.aliases = module, names, aliases
        self._hidden: list[set[str]] = []

    def _seen(self, name: str) -> bool:
        return not any(name in scope for scope in self._hidden)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> ast.AST:
        node.args = self.visit(node.args)  # defaults belong to the scope around
        if not isinstance(node, ast.Lambda):
            node.decorator_list = [self.visit(d) for d in node.decorator_list]
            if not self._hidden:
                node.name = self.names.get(node.name, node.name)
        self._hidden.append(variables_of(node))
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = [self.visit(s) for s in node.body]
        self._hidden.pop()
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if not self._hidden:
            node.name = self.names.get(node.name, node.name)
        node.bases = [self.visit(b) for b in node.bases]
        inner = set(stored(node.body))
        for i, statement in enumerate(node.body):
            methods = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
            # A method is called what it is called; it does not see the class's own names, the other statements do.
            self._hidden.append(set() if methods else inner)
            node.body[i] = self.visit(statement)
            self._hidden.pop()
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self.names.get(n, n) for n in node.names]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if self._seen(node.id):
            if node.id in self.aliases:
                raise Unclear(f"{self._module.name}: the module {node.id} is passed on")
            node.id = self.names.get(node.id, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        base = node.value
        if isinstance(base, ast.Name) and base.id in self.aliases and self._seen(base.id):
            if not isinstance(node.ctx, ast.Load) or node.attr not in self.aliases[base.id]:
                raise Unclear(f"{self._module.name}: {base.id}.{node.attr}")
            return ast.copy_location(ast.Name(self.aliases[base.id][node.attr], ast.Load()), node)
        return self.generic_visit(node)


def renamer_of(
    module: Module, became: dict[tuple[str, str], str], order: set[str], imports: list[ast.ImportFrom]
) -> Renamer:
    names = {name: new for (m, name), new in became.items() if m == module.name}
    aliases: dict[str, dict[str, str]] = {}
    for node in imports:
        for called, m, name in module.ours(node):
            if m not in order:
                continue
            if name is None:
                aliases[called] = {n: new for (of, n), new in became.items() if of == m}
            elif (m, name) in became:
                names[called] = became[m, name]
            else:
                raise Unclear(f"{module.name}: {m} has no {name}")
    return Renamer(module, names, aliases)
