"""Which names belong to which part of a text. Pure: syntax trees in, names out; bundle.py asks.

Refuses: to tell a comprehension's variables from its function's: a name that is both means trouble to a reader too.
"""

from __future__ import annotations

import ast

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def stored(body: list[ast.stmt]) -> list[str]:
    """Names bound in this scope by these statements, in order; not in the functions and classes within."""
    found: list[str] = []

    def look(node: ast.AST) -> None:
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                found.append(name)
                return
            case ast.Lambda():
                return
            case ast.Name(name, ast.Store() | ast.Del()):
                found.append(name)
            case ast.ExceptHandler(name=str(name)):
                found.append(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found.extend((n.asname or n.name).partition(".")[0] for n in names)
        for child in ast.iter_child_nodes(node):
            look(child)

    for statement in body:
        look(statement)
    return found


def variables_of(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """A function's own: parameters, and what is bound in it."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    every += [a for a in (node.args.vararg, node.args.kwarg) if a]
    found = {a.arg for a in every}
    if isinstance(node, ast.Lambda):
        return found
    found |= set(stored(node.body))
    return found - {n for g in ast.walk(node) if isinstance(g, ast.Global) for n in g.names}
