"""`careloop bench import`: Synthea bundles into the record, validated and searchable."""

import gzip
import json
import resource
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from careloop.bench.figures import Figure, Figures, at_least, at_most
from careloop.bench.installation import Place, installation
from careloop.db.cluster import locate
from careloop.db.limits import plain_copy_seconds, server_cpu_seconds
from careloop.errors import Rejected
from careloop.flows.bulk import BulkReport, import_bundles
from careloop.flows.bulk_documents import Document

RATE_AIM, CPU_AIM, COPY_AIM = 2000.0, 0.5, 8.0


def run(data: Path, count: int, command: str) -> Figures:
    """Loads `count` bundles of the folder `data`, then measures plain COPY of the same resources."""
    bundles = list(islice(_bundles(data), count))
    if not bundles:
        raise Rejected(at="--data", expected="a folder with FHIR bundles as .json files or lines of .ndjson.gz")
    with installation() as place:
        seconds, cpu, report = _load(place, bundles)
        texts = list(_resources(bundles))
        copied = plain_copy_seconds(place.urls.owner, texts)
    rate, limit = report.resources / seconds, len(texts) / copied
    return Figures(
        benchmark="import",
        command=command,
        figures=[
            Figure(name="bundles", value=len(bundles), unit="bundles"),
            Figure(name="resources", value=report.resources, unit="resources"),
            Figure(name="rejected", value=len(report.rejects), unit="resources"),
            at_least("imported", rate, "resources/s", RATE_AIM),
            at_most("CPU, database included", cpu / max(report.resources, 1) * 1000, "ms/resource", CPU_AIM),
            Figure(name="limit: plain COPY of the same", value=limit, unit="resources/s"),
            at_least("share of plain COPY", rate / limit * 100, "%", COPY_AIM),
        ],
    )


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
