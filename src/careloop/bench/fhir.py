"""`careloop bench fhir`: reads, changes, searches and charts over HTTP, at growing amounts of data.

CPU is that of all processes of the server and of PostgreSQL, authorization and audit included; the load generator,
which shares the two cores, is not counted.
"""

import gzip
import json
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from careloop.access import clients
from careloop.access.chain import seal
from careloop.access.keys import open_keyring
from careloop.bench import fhir_blend
from careloop.bench.fhir_blend import Sample
from careloop.bench.figures import Figure, Figures, at_most, loops_per_second, percentile
from careloop.bench.installation import Place, cpu_seconds, installation, running_server
from careloop.bench.traffic import Request, Traffic, send, shuffled
from careloop.bench.worklists import settle
from careloop.errors import Rejected, Unavailable
from careloop.flows import contradictions, placing
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document

READ_AIM, CRUD_AIM, SEARCH_AIM, CHART_AIM, TAIL_AIM = 0.5, 1.3, 1.2, 8.0, 5.0
CHART = 300
"""Resources of the chart whose `$everything` is measured: the patient whose chart comes nearest."""


_QUIET, _LOOK_SECONDS, _QUIET_WITHIN, _BEHIND_SECONDS, _REST_SECONDS, _TURNS = 0.15, 2.0, 120.0, 3.0, 5.0, 3
"""A server at rest uses less than this share of a core; looked at so often; for at most so many seconds.
What requests cause behind them (seals, events, contradictions) is done within so many seconds of them.
Rest is measured for so long. The classes with an aim are measured so often, and the middle one counts."""


@dataclass(frozen=True)
class Run:
    """One part of a benchmark: its answers, the CPU that the server spent on them, and how fast a core was then
    (steps of the calibration loop a second)."""

    traffic: Traffic
    cpu: float
    pace: float

    @property
    def cpu_each(self) -> float:
        """Milliseconds of CPU an operation."""
        return self.cpu / max(self.traffic.count, 1) * 1000


@dataclass(frozen=True)
class Measured:
    """One size: its figures, and by search class CPU and size of an answer for the comparison of sizes."""

    figures: list[Figure]
    cost: dict[str, tuple[float, float]]


def run(data: Path, sizes: Sequence[int], each: int, command: str) -> Figures:
    """Loads so many bundles of `data`, each number into the same installation, and measures every class at each."""
    bundles = [Document(label=f"bundle:{number}", text=line) for number, line in enumerate(_lines(data))]
    if len(bundles) < max(sizes):
        raise Rejected(at="--data", expected=f"a folder with {max(sizes)} bundles in .ndjson.gz")
    found: list[Measured] = []
    with installation() as place:
        token, present = _client(place), 0
        for size in sorted(sizes):
            import_bundles(place.app, place.tenant, place.principal, bundles[present:size])
            sample, chart = _sample(bundles[:size])
            import_bundles(
                place.app, place.tenant, place.principal,
                list(fhir_blend.tasks([str(one["id"]) for one in sample.patients])),
            )  # fmt: skip
            present = size
            _catch_up(place)
            settle(place)
            found.append(_measure(place, token, sample, chart, f"{size} patients: ", each))
    growth = _growth(found[0], found[-1]) if len(found) > 1 else []
    return Figures(benchmark="fhir", command=command, figures=[*(f for one in found for f in one.figures), *growth])


def _lines(data: Path) -> Iterator[bytes]:
    for path in sorted(data.glob("*.ndjson.gz")):
        with gzip.open(path) as lines:
            yield from lines


def _client(place: Place) -> str:
    """`id:secret` of a client that may do everything."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        made = clients.create_client(tx, place.app.clock.now(), name="bench", scope="system/*.cruds")
    return f"{made.client.id}:{made.secret}"


def _token(url: str, client: str) -> str:
    identity, _, secret = client.partition(":")
    form = {"grant_type": "client_credentials", "client_id": identity, "client_secret": secret,
            "scope": "system/*.cruds"}  # fmt: skip
    with urllib.request.urlopen(f"{url}/oauth/token", urlencode(form).encode(), timeout=30) as answer:  # noqa: S310
        return str(json.loads(answer.read())["access_token"])


def _sample(bundles: Sequence[Document]) -> tuple[Sample, str]:
    """What requests ask for, and the patient whose chart has about `CHART` resources."""
    kept: dict[str, list[dict[str, object]]] = {}
    charts: Counter[str] = Counter()
    for bundle in bundles:
        resources = [entry["resource"] for entry in json.loads(bundle.text)["entry"]]
        patient = next(one["id"] for one in resources if one["resourceType"] == "Patient")
        charts[patient] = len(resources)
        for resource in resources:
            kept.setdefault(resource["resourceType"], []).append(_with_subject(resource, patient))
    chart = min(charts, key=lambda one: abs(charts[one] - CHART))
    sample = Sample(
        kept["Patient"], kept["Observation"], kept["Condition"], kept["Encounter"],
        fhir_blend.owners_of(len(kept["Patient"])),
    )  # fmt: skip
    return sample, chart


def _with_subject(resource: dict[str, object], patient: str) -> dict[str, object]:
    """The resource with references that stand outside its bundle."""
    if "subject" in resource:
        resource = {**resource, "subject": {"reference": f"Patient/{patient}"}}
    return {name: value for name, value in resource.items() if name not in _INSIDE}


_INSIDE = ("encounter", "context")
"""References to others of the bundle that a copy of the resource does not need."""


def _measure(place: Place, token_of: str, sample: Sample, chart: str, label: str, each: int) -> Measured:
    with running_server(place) as facts:
        url = str(facts["url"])
        token, address = _token(url, token_of), (str(urlsplit(url).hostname), int(urlsplit(url).port or 80))

        def measured(waves: Sequence[Sequence[Request]]) -> Run:
            return _run(lambda wave: send(address, token, wave), waves, place, int(facts["pid"]), rest)

        def middle(waves_of: Callable[[int], Sequence[Sequence[Request]]]) -> Run:
            """The middle one of some runs: core speed moves by 40 % within minutes."""
            return sorted((measured(waves_of(turn)) for turn in range(_TURNS)), key=lambda one: one.cpu_each)[
                _TURNS // 2
            ]

        searches = fhir_blend.searches(sample, each)
        rest = 0.0
        measured([[one for kind in searches.values() for one in kind[: max(each // 10, 16)]]])
        quieten(place, int(facts["pid"]))
        rest = at_rest(place, int(facts["pid"]))
        limit = middle(lambda _: [[Request("limit", "GET", "/healthz")] * each * 4])
        reads = middle(lambda _: [fhir_blend.reads(sample, each * 4)])
        label_of = f"crud{len(sample.patients)}"
        mix = middle(lambda turn: fhir_blend.mixes(sample, max(each // 20, 4), f"{label_of}-{turn}-"))
        blend = middle(lambda _: [shuffled([one for kind in searches.values() for one in kind], 3)])
        whole = Request("$everything", "GET", f"/fhir/Patient/{chart}/$everything?_count=1000")
        charts = middle(lambda _: [[whole] * 64])
        classes = {name: measured([requests]) for name, requests in searches.items()}
    return Measured(
        figures=[
            Figure(name=f"{label}server at rest", value=rest * 100, unit="% of a core, taken off"),
            Figure(name=f"{label}limit: an empty answer", value=limit.cpu_each, unit="ms CPU"),
            *_figures(f"{label}read", reads, READ_AIM),
            *_figures(f"{label}create/read/update/delete", mix, CRUD_AIM),
            *_figures(f"{label}search blend", blend, SEARCH_AIM),
            *_figures(f"{label}$everything", charts, CHART_AIM),
            *(_line(f"{label}{name}", one) for name, one in classes.items()),
        ],
        cost={name: (one.cpu_each, _mean(one.traffic.sizes[name])) for name, one in classes.items()},
    )


def _run(
    ask: Callable[[Sequence[Request]], Traffic],
    waves: Sequence[Sequence[Request]],
    place: Place,
    pid: int,
    rest: float,
) -> Run:
    """The waves one after the other. What the server uses at `rest` (a share of a core) meanwhile is taken off: that
    is there anyway."""
    pace = loops_per_second()
    started, before, whole = time.monotonic(), cpu_seconds(place, pid), Traffic()
    for wave in waves:
        part = ask(wave)
        whole.wall += part.wall
        for kind, seconds in part.seconds.items():
            whole.seconds.setdefault(kind, []).extend(seconds)
            whole.sizes.setdefault(kind, []).extend(part.sizes[kind])
    time.sleep(_BEHIND_SECONDS)
    used = cpu_seconds(place, pid) - before
    used -= rest * (time.monotonic() - started)
    return Run(traffic=whole, cpu=max(used, 0.0), pace=(pace + loops_per_second()) / 2)


def at_rest(place: Place, pid: int) -> float:
    """The share of a core that the server uses while nobody asks anything."""
    before = cpu_seconds(place, pid)
    time.sleep(_REST_SECONDS)
    return (cpu_seconds(place, pid) - before) / _REST_SECONDS


def _catch_up(place: Place) -> None:
    """What the worker would still do behind the import is done, so that no request is charged with it."""
    started = time.monotonic()
    looked = contradictions.catch_up(place.app, place.tenant)
    _say(f"caught up with the import: facts of {looked} patients in {time.monotonic() - started:.0f} s")
    while placing.go_on(place.app, place.tenant):
        pass
    seal(
        place.app.database, place.tenant, open_keyring(place.app.settings.data_dir), place.app.settings.data_dir,
        place.app.clock.now(),
    )  # fmt: skip


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def quieten(place: Place, pid: int) -> None:
    """What the server does behind the requests (seals, contradictions, subscriptions) is done, so that it is counted
    with what caused it and with nothing else."""
    deadline = time.monotonic() + _QUIET_WITHIN
    while time.monotonic() < deadline:
        before = cpu_seconds(place, pid)
        time.sleep(_LOOK_SECONDS)
        if cpu_seconds(place, pid) - before < _QUIET * _LOOK_SECONDS:
            return
    raise Unavailable(f"the server was still at work {_QUIET_WITHIN:.0f} s after the last request")


def _figures(name: str, found: Run, aim: float) -> list[Figure]:
    seconds = found.traffic.all_seconds
    middle, tail = percentile(seconds, 0.5) * 1000, percentile(seconds, 0.99) * 1000
    return [
        at_most(name, found.cpu_each, f"ms CPU ({found.pace / 1e6:.0f} M)", aim),
        Figure(name=f"{name}, rate", value=found.traffic.count / found.traffic.wall, unit="/s"),
        Figure(name=f"{name}, p50", value=middle, unit="ms"),
        at_most(f"{name}, p99 against p50", tail / middle, "times", TAIL_AIM),
    ]


def _line(name: str, found: Run) -> Figure:
    seconds = found.traffic.all_seconds
    note = (
        f"ms CPU ({found.pace / 1e6:.0f} M); {found.traffic.count / found.traffic.wall:,.0f}/s,"
        f" p50 {percentile(seconds, 0.5) * 1000:.1f},"
        f" p99 {percentile(seconds, 0.99) * 1000:.1f} ms, {_mean(found.traffic.sizes[found_kind(found)]) / 1000:.1f} kB"
    )
    return Figure(name=name, value=found.cpu_each, unit=note)


def found_kind(found: Run) -> str:
    """The only class of a run."""
    return next(iter(found.traffic.sizes))


def _growth(small: Measured, large: Measured) -> list[Figure]:
    """Of each class: how much its cost grew, set against how much its answer grew (where that grew)."""
    found = []
    for name, (cost, size) in small.cost.items():
        dearer, bigger = large.cost[name][0] / cost, large.cost[name][1] / size
        found.append(at_most(f"growth beyond the answer's: {name}", dearer / max(bigger, 1.0), "times", GROWTH_AIM))
    return found


GROWTH_AIM = 1.3
"""What cost may grow beyond the answer from the smallest to the largest size: the noise of a shared machine."""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
