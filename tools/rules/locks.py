"""Rows that are chosen and locked to be changed are chosen once: in a `with` of their own, or as one value.

A sub-select in `from` or `using` may stand on the inner side of a loop. It is then asked again for every row, and the
row that was just changed no longer counts: `limit 1` changes two rows and answers one.
"""

import re
from collections.abc import Iterator

from tools.tree import Finding, Source, Tree

_TABLE = re.compile(r"\b(?:from|using|join)\s*\(\s*select\b", re.IGNORECASE)
_COMMENT = re.compile(r"--.*")
_LOCK = re.compile(r"\bfor\s+(?:no\s+key\s+)?update\b", re.IGNORECASE)


def check(tree: Tree) -> Iterator[Finding]:
    """Sub-selects with `for update` that another part of the statement is joined with."""
    for source in tree.files:
        if source.path.startswith("src/") and source.path.endswith(".sql"):
            yield from _of(source)


def _of(source: Source) -> Iterator[Finding]:
    text = _COMMENT.sub(lambda found: " " * len(found[0]), source.text)
    for found in _TABLE.finditer(text):
        if _LOCK.search(_inside(text, text.index("(", found.start()))):
            line = text.count("\n", 0, found.start()) + 1
            yield Finding(
                source.path, line, "choose rows to change in a `with`: here they may be chosen again and again"
            )


def _inside(text: str, start: int) -> str:
    """The text between this bracket and the one that closes it."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    return text[start:]
