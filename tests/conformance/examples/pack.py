"""Every published example that can be read: JSON, lines of JSON, XML through the reader of the test tools."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from tests.conformance import fhirxml

from careloop.fhir.jsons import encode

FOLDERS = (
    "r4-official", "us-core", "davinci-deqm", "davinci-ra-gaps", "davinci-cdex", "davinci-pcde", "davinci-alerts",
    "mcc-ecareplan",
)  # fmt: skip
"""FSH (bser-fsh, sdoh-cc-fsh, five files of mcc-ecareplan) is left out: it is source text, not FHIR."""

Example = tuple[str, bytes]


def examples(shared: Path, folder: str) -> Iterator[Example]:
    """Name and JSON text of each example of a folder; the text of JSON is as published."""
    place = shared / "data" / "fhir-examples" / folder
    for path in sorted(place.rglob("*")):
        name = f"{folder}/{path.relative_to(place)}"
        if path.name.endswith(".ndjson.gz"):
            with gzip.open(path) as lines:
                yield from ((f"{name}:{number}", line) for number, line in enumerate(lines, 1))
        elif path.suffix == ".json":
            yield name, path.read_bytes()
        elif path.suffix == ".xml":
            yield name, encode(fhirxml.read_file(path))
