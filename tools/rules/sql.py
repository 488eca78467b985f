"""SQL stands in `queries.sql`, in a short `store.py`, in `record/search` and in `db`, nowhere else (style.md §7)."""

import ast
import re
from collections.abc import Iterator

from tools.tree import Finding, Tree, docstrings_of

_SQL = re.compile(
    r"^\s*(select\s.+\sfrom\s|select\s+\w+\(|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*(materialized\s*)?\("
    r"|create\s+(temp\s+)?(table|index|function|role)\s|alter\s+table\s|drop\s+\w+\s|truncate\s|lock\s+table\s)",
    re.IGNORECASE | re.DOTALL,
)
_PLACES = ("src/careloop/db/", "src/careloop/record/search/")


def check(tree: Tree) -> Iterator[Finding]:
    """Texts in other places that read like a statement."""
    for source in tree.python("src/"):
        if source.path.startswith(_PLACES) or source.path.endswith("/store.py"):
            continue
        prose = docstrings_of(source.module)
        for node in ast.walk(source.module):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in prose
                and _SQL.match(node.value)
            ):
                yield Finding(source.path, node.lineno, "SQL outside queries.sql, store.py, record/search and db")
