"""Input has one entry point a format; nothing runs what it reads (security.md §5)."""

import ast
from collections.abc import Iterator

from tools.tree import Finding, Tree

_MODULES = {
    "pickle": "it runs what it reads",
    "marshal": "it runs what it reads",
    "shelve": "it runs what it reads",
    "xml": "XML goes through careloop.fhir.xmls",
    "lxml": "XML goes through careloop.fhir.xmls",
    "orjson": "JSON goes through careloop.fhir.jsons",
    "yaml": "YAML goes through careloop.catalog.read_yaml",
    "simplejson": "JSON goes through careloop.fhir.jsons",
}
_CALLS = {"eval": "it runs what it reads", "exec": "it runs what it reads", "compile": "it makes code out of text"}
_ATTRIBUTES = {("os", "system"): "no shell", ("os", "popen"): "no shell"}

_DOORS = {
    "src/careloop/fhir/extraction.py": {"exec", "compile"},
    "src/careloop/catalog/reading.py": {"yaml"},
    "src/careloop/fhir/xmls.py": {"lxml"},
    "src/careloop/fhir/ucum.py": {"yaml"},
}
"""The one place for each: functions made from the compiled definitions that ship with the product, never from input
(decision 0010), and the YAML of content files, read by a loader that makes plain values only (units of measure stand
below the catalog, decision 0121)."""


def check(tree: Tree) -> Iterator[Finding]:
    """Imports and calls that read input past its door, or run it."""
    for source in tree.python("src/"):
        for node in ast.walk(source.module):
            for name, why in _named(node):
                if name in _DOORS.get(source.path, ()):
                    continue
                yield Finding(source.path, getattr(node, "lineno", 1), f"{name}: {why}")


def _named(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        yield from _modules(alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from _modules([node.module])
    elif isinstance(node, ast.Call):
        yield from _call(node)


def _modules(names: object) -> Iterator[tuple[str, str]]:
    for name in names:  # type: ignore[attr-defined]
        root = name.split(".")[0]
        if root in _MODULES:
            yield name, _MODULES[root]


def _call(node: ast.Call) -> Iterator[tuple[str, str]]:
    called = node.func
    if isinstance(called, ast.Name) and called.id in _CALLS:
        yield called.id, _CALLS[called.id]
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        pair = (called.value.id, called.attr)
        if pair in _ATTRIBUTES:
            yield ".".join(pair), _ATTRIBUTES[pair]
    for keyword in node.keywords:
        if keyword.arg == "shell" and getattr(keyword.value, "value", False):
            yield "shell=True", "no shell"
