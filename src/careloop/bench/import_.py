"""`careloop bench import`: history loaded, validated, searchable; two sizes, against plain COPY of the same texts."""

import gzip
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from careloop.access.model import Tenant, system_principal
from careloop.access.tenancy import TenantSettings, insert_tenant
from careloop.bench import limits
from careloop.bench.model import Bench, Figure
from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.fhir.jsons import decode, encode
from careloop.flows.bulk import BulkReport, import_bundles
from careloop.flows.bulk_documents import Document

_FILE = Path("synthea-r4-617") / "bundles.ndjson.gz"
_SIZES = (0.1, 1.0)
"""Parts of the population that are loaded, each into a tenant of its own."""

_RATE, _CPU, _SHARE = 2000.0, 0.5, 8.0
"""Targets of issue 2: resources a second, CPU milliseconds a resource (database included), per cent of plain COPY."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One load: seconds that passed, CPU seconds of this process and of the server, and what was loaded."""

    report: BulkReport
    seconds: float
    own: float
    server: float | None


def measure(bench: Bench) -> list[Figure]:
    """Rate, CPU and share of COPY at each size, and the most memory held."""
    if bench.data is None or not (bench.data / _FILE).exists():
        raise Rejected(at="--from", expected=f"a folder that holds {_FILE}")
    figures = []
    for size in _SIZES:
        if size <= bench.scale:
            documents = list(_documents(bench.data / _FILE, size))
            figures += _figures(f"{size:.0%}", _load(bench, documents), _copy_rate(bench, documents))
    return [*figures, Figure(name="most memory held", value=limits.peak_memory_mib(), unit="MiB")]


def _documents(file: Path, size: float) -> Iterator[Document]:
    with gzip.open(file) as lines:
        for number, line in enumerate(itertools.islice(lines, round(617 * size)), 1):
            yield Document(label=f"line {number}", text=line)


def _load(bench: Bench, documents: Sequence[Document]) -> Measured:
    tenant = _tenant(bench)
    app = bench.app
    with app.database.transaction(tenant.id) as tx:
        server = limits.server_cpu_seconds(tx)
    own, began = limits.own_cpu_seconds(), time.perf_counter()
    report = import_bundles(
        app, tenant, system_principal(tenant.id, "bench"), documents, progress=lambda done: _tell(bench, done, began)
    )
    seconds, own = time.perf_counter() - began, limits.own_cpu_seconds() - own
    with app.database.transaction(tenant.id) as tx:
        after = limits.server_cpu_seconds(tx)
    spent = None if server is None or after is None else after - server
    return Measured(report=report, seconds=seconds, own=own, server=spent)


def _tell(bench: Bench, done: BulkReport, began: float) -> None:
    bench.say(f"{done.resources} resources, {done.resources / (time.perf_counter() - began):,.0f}/s")


def _tenant(bench: Bench) -> Tenant:
    slug = f"bench-{new_id()[:8]}"
    with bench.app.database.directory() as tx:
        return insert_tenant(
            tx,
            bench.app.clock.now(),
            slug=slug,
            name="Benchmark",
            zone="America/New_York",
            production=False,
            settings=TenantSettings(),
        )


def _copy_rate(bench: Bench, documents: Sequence[Document]) -> float:
    rows = [
        (str(entry["resource"]["id"]), encode(entry["resource"]).decode())
        for document in documents[:60]
        for entry in decode(document.text)["entry"]
    ]
    with bench.app.database.directory() as tx:
        return limits.plain_copy(tx, rows)


def _figures(size: str, measured: Measured, copy_rate: float) -> list[Figure]:
    count = measured.report.resources
    rate, share = count / measured.seconds, count / measured.seconds / copy_rate * 100
    own = measured.own / count * 1000
    figures = [
        Figure(name=f"{size}: resources", value=count, unit="resources"),
        Figure(name=f"{size}: rejected", value=len(measured.report.rejects), unit="entries"),
        Figure(name=f"{size}: rate", value=rate, unit="/s", target=f">= {_RATE:,.0f}", reached=rate >= _RATE),
        Figure(name=f"{size}: CPU of this process", value=own, unit="ms a resource"),
        Figure(name=f"{size}: plain COPY of the same texts", value=copy_rate, unit="/s"),
        Figure(name=f"{size}: share of plain COPY", value=share, unit="%", target=f"aim {_SHARE}"),
    ]
    if measured.server is not None:
        cpu = own + measured.server / count * 1000
        target = f"<= {_CPU}"
        name = f"{size}: CPU, database included"
        figures.append(Figure(name=name, value=cpu, unit="ms a resource", target=target, reached=cpu <= _CPU))
    return figures
