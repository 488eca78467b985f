"""Every public thing says what is true after the call (style.md §6)."""

import ast
from collections.abc import Iterator

from tools.tree import Finding, Tree

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def check(tree: Tree) -> Iterator[Finding]:
    """Modules, public classes and public functions without a docstring."""
    for source in tree.python("src/", "tools/"):
        if not ast.get_docstring(source.module) and source.text.strip():
            yield Finding(source.path, 1, "the module says nothing about itself")
        for node in _public(source.module.body):
            if not ast.get_docstring(node):
                yield Finding(source.path, node.lineno, f"{node.name} has no docstring")


def _public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, _FUNCTION) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node
            yield from _public(node.body)
