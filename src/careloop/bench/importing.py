"""`careloop bench import`: Synthea bundles into the record, validated and searchable."""

import gzip
import json
import resource
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from careloop.bench.figures import Figure, Figures, at_least, at_most
from careloop.bench.installation import Place, installation
from careloop.db.cluster import locate
from careloop.db.limits import plain_copy_seconds, server_cpu_seconds
from careloop.errors import Rejected
from careloop.flows.bulk import BulkReport, import_bundles
from careloop.flows.bulk_documents import Document

RATE_AIM, CPU_AIM, COPY_AIM = 2500.0, 0.4, 8.0
_WARM = 10


def run(data: Path, counts: Sequence[int], command: str) -> Figures:
    """Loads so many bundles of the folder `data`, each number into an installation of its own, then measures plain
    COPY of the same resources. What happens once in a process (validators compiled, plans made) is done before, with
    the first `_WARM` bundles, and not counted."""
    figures = [figure for count in counts for figure in _measure(data, count)]
    return Figures(benchmark="import", command=command, figures=figures)


def _measure(data: Path, count: int) -> list[Figure]:
    bundles = list(islice(_bundles(data), count))
    if len(bundles) <= _WARM:
        raise Rejected(at="--data", expected=f"a folder with more than {_WARM} FHIR bundles (.json or .ndjson.gz)")
    with installation() as place:
        import_bundles(place.app, place.tenant, place.principal, bundles[:_WARM])
        counted = bundles[_WARM:]
        seconds, cpu, report = _load(place, counted)
        texts = list(_resources(counted))
        copied = plain_copy_seconds(place.urls.owner, texts)
    rate, limit = report.resources / seconds, len(texts) / copied
    return [
        Figure(name="bundles", value=len(counted), unit=f"bundles, after {_WARM} to warm up"),
        Figure(name="resources", value=report.resources, unit="resources"),
        Figure(name="rejected", value=len(report.rejects), unit="resources"),
        at_least("imported", rate, "resources/s", RATE_AIM),
        at_most("CPU, database included", cpu / max(report.resources, 1) * 1000, "ms/resource", CPU_AIM),
        Figure(name="limit: plain COPY of the same", value=limit, unit="resources/s"),
        at_least("share of plain COPY", rate / limit * 100, "%", COPY_AIM),
    ]


def _bundles(data: Path) -> Iterator[Document]:
    for path in sorted(data.glob("*.json")):
        yield Document(label=path.name, text=path.read_bytes())
    for path in sorted(data.glob("*.ndjson.gz")):
        with gzip.open(path) as lines:
            for number, line in enumerate(lines, start=1):
                yield Document(label=f"{path.name}:{number}", text=line)


def _load(place: Place, bundles: list[Document]) -> tuple[float, float, BulkReport]:
    cluster = locate(place.app.settings.data_dir)
    cpu_before, started = _own_cpu() + server_cpu_seconds(cluster), time.perf_counter()
    report = import_bundles(place.app, place.tenant, place.principal, bundles)
    seconds = time.perf_counter() - started
    return seconds, _own_cpu() + server_cpu_seconds(cluster) - cpu_before, report


def _resources(bundles: list[Document]) -> Iterator[str]:
    for bundle in bundles:
        for entry in json.loads(bundle.text).get("entry", ()):
            yield json.dumps(entry["resource"], separators=(",", ":"))


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
