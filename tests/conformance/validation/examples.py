"""The published examples of R4 and US Core, with a name each."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from careloop.fhir.jsons import decode

Named = tuple[str, dict[str, Any]]


def r4_examples(shared: Path) -> Iterator[Named]:
    """R4's own, by line."""
    with gzip.open(shared / "data" / "fhir-examples" / "r4-official" / "resources.ndjson.gz") as lines:
        yield from ((f"r4-official:{number}", decode(line)) for number, line in enumerate(lines, 1))


def us_core_examples(shared: Path) -> Iterator[Named]:
    """US Core's, by file."""
    folder = shared / "data" / "fhir-examples" / "us-core"
    yield from ((f"us-core/{path.name}", decode(path.read_bytes())) for path in sorted(folder.glob("*.json")))


def examples(shared: Path) -> Iterator[Named]:
    """All of them."""
    yield from r4_examples(shared)
    yield from us_core_examples(shared)
