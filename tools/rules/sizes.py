"""Functions and files stay small (style.md §2)."""

import ast
from collections.abc import Iterator
from statistics import median

from tools.tree import Finding, Source, Tree

LONGEST_FUNCTION = 100
LONGEST_FILE = 400
LONGEST_LIST = 600
USUAL_FUNCTION = 30
LONG_FUNCTION = 60


def check(tree: Tree) -> Iterator[Finding]:
    """Functions and files that are too long, and a code base whose functions are too long as a whole."""
    lengths: list[tuple[int, str, int]] = []
    for source in tree.python("src/"):
        if source.text.count("\n") > _limit(source):
            yield Finding(source.path, 1, f"more than {_limit(source)} lines: split it by sense")
        lengths += [(_length(one), source.path, one.lineno) for one in ast.walk(source.module) if _is_function(one)]
    for length, path, line in lengths:
        if length > LONGEST_FUNCTION:
            yield Finding(path, line, f"a function of {length} lines; none has over {LONGEST_FUNCTION}")
    yield from _as_a_whole(lengths)


def _as_a_whole(lengths: list[tuple[int, str, int]]) -> Iterator[Finding]:
    if len(lengths) < 100:
        return
    counts = [length for length, _, _ in lengths]
    if median(counts) > 10:
        yield Finding("src", 1, f"the median function has {median(counts)} lines; 10 is meant")
    if sum(count > USUAL_FUNCTION for count in counts) > len(counts) / 10:
        yield Finding("src", 1, f"more than one function in ten has over {USUAL_FUNCTION} lines")
    if sum(count > LONG_FUNCTION for count in counts) > len(counts) / 100:
        yield Finding("src", 1, f"more than one function in a hundred has over {LONG_FUNCTION} lines")


def _limit(source: Source) -> int:
    """A plain list of like things may be longer: a module without functions."""
    has_functions = any(_is_function(one) for one in ast.walk(source.module))
    return LONGEST_FILE if has_functions else LONGEST_LIST


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _length(node: ast.AST) -> int:
    """Lines of the body without its docstring: words that explain do not make a function long."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
        first = node.body[1]
    return (node.end_lineno or node.lineno) - first.lineno + 1
