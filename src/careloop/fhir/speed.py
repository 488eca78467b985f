"""How fast validation and extraction are, on one core, over bundles of made-up people.

python -m careloop.fhir.speed ../shared/data/synthea-r4-617/bundles.ndjson.gz
"""

import gzip
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from time import process_time
from typing import Any

from careloop.fhir.jsons import decode
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.validation import Validator

BUNDLES = 40


def read_resources(path: str, bundles: int = BUNDLES) -> list[dict[str, Any]]:
    """The resources of the first bundles of an NDJSON file."""
    with gzip.open(path) as lines:
        return [entry["resource"] for line in islice(lines, bundles) for entry in decode(line)["entry"]]


def per_second(work: Callable[[dict[str, Any]], object], resources: Iterable[dict[str, Any]]) -> float:
    """How many resources a second of processor time `work` gets through: the best of three runs."""
    every = list(resources)
    return max(len(every) / _seconds(lambda: [work(one) for one in every]) for _ in range(3))


def calibration() -> float:
    """Seconds of processor time for two million additions: how fast this core is just now."""
    return _seconds(lambda: sum(range(2_000_000)))


def _seconds(work: Callable[[], object]) -> float:
    started = process_time()
    work()
    return process_time() - started


def report(path: str) -> str:
    """The figures, one a line."""
    load = _seconds(Validator.load) + _seconds(SearchDefinitions.load)
    resources = read_resources(path)
    validate, definitions = Validator.load().validate, SearchDefinitions.load()
    return "\n".join(
        (
            f"load                {load:8.3f} s",
            f"validation          {per_second(validate, resources):8,.0f} resources/s",
            f"extraction          {per_second(lambda one: definitions.extract(one, 1), resources):8,.0f} resources/s",
            f"calibration         {calibration():8.3f} s for 2,000,000 additions",
        )
    )


if __name__ == "__main__":
    sys.stdout.write(report(sys.argv[1]) + "\n")
