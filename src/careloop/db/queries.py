"""Named queries: SQL lives in `queries.sql` beside its area, each under a line `-- name --`."""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- ([a-z][a-z0-9_]*) --\s*$", re.MULTILINE)


@lru_cache(maxsize=64)
def load_queries(package: str, file: str = "queries.sql") -> Mapping[str, str]:
    """The queries of one package by name. A name that stands twice is an error at import, not at run time."""
    parts = _NAME.split((files(package) / file).read_text(encoding="utf-8"))
    named: dict[str, str] = {}
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        if name in named:
            raise ValueError(f"{package}/{file}: query {name} stands twice")
        named[name] = text.strip()
    return MappingProxyType(named)
