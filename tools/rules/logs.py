"""A log line names ids and counts: a fixed event text and keywords of the allow-list, nothing else (style.md §9)."""

import ast
from collections.abc import Iterator

from tools.tree import Finding, Source, Tree

_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
_NAMES = {"_log", "log", "logger", "_logger", "logging"}
_LIST = "src/careloop/cli/logs.py"


def check(tree: Tree) -> Iterator[Finding]:
    """Log calls that could carry a person's data."""
    allowed = allowed_keys(tree)
    for source in tree.python("src/"):
        if source.path == _LIST:
            continue
        for node in ast.walk(source.module):
            if isinstance(node, ast.Call) and _is_log_call(node):
                yield from _check_call(source, node, allowed)


def allowed_keys(tree: Tree) -> set[str]:
    """The keywords that `careloop.cli.logs` lets through."""
    for source in tree.files:
        if source.path == _LIST:
            for node in source.module.body:
                if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ALLOWED_KEYS":
                    return {one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)}
    return set()


def _is_log_call(node: ast.Call) -> bool:
    called = node.func
    return (
        isinstance(called, ast.Attribute)
        and called.attr in _METHODS
        and isinstance(called.value, ast.Name)
        and called.value.id in _NAMES
    )


def _check_call(source: Source, node: ast.Call, allowed: set[str]) -> Iterator[Finding]:
    if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant):
        yield Finding(source.path, node.lineno, "the event of a log line is one fixed text")
    for keyword in node.keywords:
        if keyword.arg not in allowed | {"exc_info"}:
            yield Finding(source.path, node.lineno, f"the log key {keyword.arg} is not in ALLOWED_KEYS of cli/logs.py")
