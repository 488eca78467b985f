"""`careloop bench fhir`: reads, changes, searches and charts over HTTP, at two sizes that stand side by side.

CPU is that of the web process and of PostgreSQL for it: HTTP, authorization, search, audit, commit. What the worker
does behind the requests (seals, subscriptions, checks of what was written) stands in lines of its own. The load
generator, which shares the cores, is not counted.
"""

import gzip
import json
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from careloop.access import clients
from careloop.access.chain import seal
from careloop.access.keys import open_keyring
from careloop.bench import fhir_blend
from careloop.bench.accounting import Meter, Spent, is_at_rest
from careloop.bench.fhir_blend import Sample
from careloop.bench.fhir_rounds import PACE, Found, Middle, Site, Waves, dearer, growth, rounds
from careloop.bench.figures import Figure, Figures, at_most, percentile
from careloop.bench.filling import settle_tables
from careloop.bench.installation import Place, installation, running_server
from careloop.bench.traffic import Request, shuffled
from careloop.errors import Rejected
from careloop.flows import contradictions, medicine_safety, placing
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document

READ_AIM, CRUD_AIM, SEARCH_AIM, CHART_AIM, TAIL_AIM, GROWTH_AIM = 0.5, 1.3, 1.2, 8.0, 5.0, 1.3
"""Milliseconds of CPU; p99 against p50; what cost may grow beyond the answer: the noise of a shared machine."""
CHART = 300
"""Resources of the chart whose `$everything` is measured: at every size the same patient, whose chart comes nearest."""
LIMIT, READ, MIX, BLEND, WHOLE = "limit", "read", "mix", "blend", "chart"
_AIMS = {
    READ: ("read", READ_AIM), MIX: ("create/read/update/delete", CRUD_AIM), BLEND: ("search blend", SEARCH_AIM),
    WHOLE: ("$everything", CHART_AIM),
}  # fmt: skip

_QUIET_WITHIN, _REST_SECONDS, _REST_LOOKS = 60.0, 6.0, 3
"""A server has so many seconds to come to rest. Rest is measured for so long, in so many looks: the least of them
counts, so that no burst of work is taken off requests."""
_CHARTS, _WARM_ROUNDS, _BEHIND_WAVES, _BEHIND_SECONDS = 16, 2, 4, 4.0
"""Charts in a wave; rounds that are not counted; waves of one kind, and seconds after them, in which the work behind
them is looked at."""


@dataclass(frozen=True)
class Filled:
    """One size: its installation, what is asked for, and its client (`id:secret`)."""

    place: Place
    label: str
    sample: Sample
    client: str


def run(data: Path, sizes: Sequence[int], each: int, count: int, command: str) -> Figures:
    """Loads so many bundles of `data` into an installation for each size, and measures every class in `count` rounds of
    `each` requests, the sizes in turn."""
    with ExitStack() as stack:
        filled, chart = [], ""
        for size in sorted(sizes):
            place = stack.enter_context(installation())
            made, nearest = _fill(place, data, size)
            chart = chart or nearest
            filled.append(made)
        sites = [_site(stack, one, chart, each) for one in filled]
        rounds(sites, _WARM_ROUNDS, 0, _say)
        rested = [_rested(site) for site in sites]
        found = rounds(rested, count, _WARM_ROUNDS, _say)
        behind = [_behind(site, _WARM_ROUNDS + count) for site in rested]
    figures = [
        one
        for site, kept, after in zip(rested, found, behind, strict=True)
        for one in report_of(site.label, site.rest, kept, after)
    ]
    grown = growth_of(found[0], found[-1]) if len(found) > 1 else []
    return Figures(benchmark="fhir", command=command, figures=[*figures, *grown])


def _fill(place: Place, data: Path, size: int) -> tuple[Filled, str]:
    """So many bundles and their Tasks are in the record and the server has caught up with them; and the patient whose
    chart has about `CHART` resources."""
    started = time.monotonic()
    bundles = [Document(label=f"bundle:{number}", text=line) for number, line in enumerate(islice(_lines(data), size))]
    if len(bundles) < size:
        raise Rejected(at="--data", expected=f"a folder with {size} bundles in .ndjson.gz")
    import_bundles(place.app, place.tenant, place.principal, bundles)
    sample, chart = sample_of(bundles)
    tasks = fhir_blend.tasks([str(one["id"]) for one in sample.patients])
    import_bundles(place.app, place.tenant, place.principal, list(tasks))
    _catch_up(place)
    settle_tables(place)
    _say(f"{size} patients stand: {time.monotonic() - started:.0f} s")
    return Filled(place, f"{size} patients: ", sample, _client(place)), chart


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


def sample_of(bundles: Sequence[Document]) -> tuple[Sample, str]:
    """What requests ask for, and the patient whose chart has about `CHART` resources."""
    kept: dict[str, list[dict[str, object]]] = {name: [] for name in _ASKED_FOR}
    charts: Counter[str] = Counter()
    for bundle in bundles:
        resources = [entry["resource"] for entry in json.loads(bundle.text)["entry"]]
        patient = next(one["id"] for one in resources if one["resourceType"] == "Patient")
        charts[patient] = len(resources)
        for resource in resources:
            if resource["resourceType"] in kept:
                kept[resource["resourceType"]].append(_with_subject(resource, patient))
    chart = min(charts, key=lambda one: abs(charts[one] - CHART))
    owners = fhir_blend.owners_of(len(kept["Patient"]))
    people, observations, conditions, stays = (kept[name] for name in _ASKED_FOR)
    return Sample(people, observations, conditions, stays, owners), chart


_ASKED_FOR = ("Patient", "Observation", "Condition", "Encounter")


def _with_subject(resource: dict[str, object], patient: str) -> dict[str, object]:
    """The resource with references that stand outside its bundle."""
    if "subject" in resource:
        resource = {**resource, "subject": {"reference": f"Patient/{patient}"}}
    return {name: value for name, value in resource.items() if name not in _INSIDE}


_INSIDE = ("encounter", "context")
"""References to others of the bundle that a copy of the resource does not need."""


def _catch_up(place: Place) -> None:
    """What the worker would still do behind the import is done, so that no request is charged with it."""
    started = time.monotonic()
    looked = contradictions.catch_up(place.app, place.tenant)
    medicine_safety.catch_up(place.app, place.tenant)
    _say(f"caught up with the import: facts of {looked} patients in {time.monotonic() - started:.0f} s")
    while placing.go_on(place.app, place.tenant):
        pass
    seal(
        place.app.database, place.tenant, open_keyring(place.app.settings.data_dir), place.app.settings.data_dir,
        place.app.clock.now(),
    )  # fmt: skip


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _site(stack: ExitStack, filled: Filled, chart: str, each: int) -> Site:
    """The server runs until the stack ends."""
    facts = stack.enter_context(running_server(filled.place))
    url = str(facts["url"])
    return Site(
        label=filled.label,
        address=(str(urlsplit(url).hostname), int(urlsplit(url).port or 80)),
        token=_token(url, filled.client),
        meter=Meter(filled.place, int(facts["pid"])),
        waves=waves_of(filled.sample, chart, each),
        warm=fhir_blend.reads(filled.sample, each),
    )


def waves_of(sample: Sample, chart: str, each: int) -> dict[str, Waves]:
    """Every class: the limit, those with an aim, and each of the searches. What a wave asks for depends on its number
    alone."""
    whole = Request(WHOLE, "GET", f"/fhir/Patient/{chart}/$everything?_count=1000")
    return {
        LIMIT: lambda _: [Request(LIMIT, "GET", "/healthz")] * each,
        READ: lambda number: fhir_blend.reads(sample, each * 2, number),
        MIX: lambda number: shuffled(fhir_blend.mix_wave(sample, number, "crud"), number),
        BLEND: lambda number: _blended(sample, each, number),
        WHOLE: lambda _: [whole] * _CHARTS,
        **{name: _search_waves(sample, name, each) for name, _ in fhir_blend.BLEND},
    }


def _search_waves(sample: Sample, name: str, each: int) -> Waves:
    return lambda number: fhir_blend.search(sample, name, each, number)


def _blended(sample: Sample, each: int, number: int) -> list[Request]:
    """The classes in equal shares, mixed."""
    share = max(each * 2 // len(fhir_blend.BLEND), 1)
    every = [one for name, _ in fhir_blend.BLEND for one in fhir_blend.search(sample, name, share, number)]
    return shuffled(every, number)


def _rested(site: Site) -> Site:
    """The site with what its server spends while nobody asks; what it did before was finished, if it can be."""
    if not is_at_rest(site.meter, _QUIET_WITHIN):
        _say(f"{site.label}still at work {_QUIET_WITHIN:.0f} s after the last request; counted as rest")
    looks = [site.meter.spent_a_second(_REST_SECONDS / _REST_LOOKS) for _ in range(_REST_LOOKS)]
    least = Spent(*(min(getattr(one, part) for one in looks) for part in ("web", "database", "behind")))
    return replace(site, rest=least)


def _behind(site: Site, first: int) -> dict[str, float]:
    """Milliseconds of CPU that the worker and its sessions spend behind an operation of a kind, and behind the few
    reads that come before each wave."""
    found = {}
    for name in (READ, BLEND, MIX):
        before, started, count = site.meter.look(), time.monotonic(), 0
        for number in range(first, first + _BEHIND_WAVES):
            count += site.wave(name, number).traffic.count
        time.sleep(_BEHIND_SECONDS)
        spent = (site.meter.look() - before).less(site.rest, time.monotonic() - started)
        found[name] = max(spent.behind, 0.0) / count * 1000
    return found


def report_of(label: str, rest: Spent, found: Found, behind: Mapping[str, float]) -> list[Figure]:
    """The figures of one size."""
    limit = Middle(found[LIMIT])
    lines = [
        Figure(name=f"{label}at rest", value=sum(vars(rest).values()) * 100, unit="% of a core, taken off"),
        Figure(name=f"{label}limit: an empty answer", value=limit.at_pace, unit=_note(limit)),
    ]
    for name, (words, aim) in _AIMS.items():
        lines += _with_aim(f"{label}{words}", Middle(found[name]), aim)
    lines += [
        Figure(name=f"{label}work behind: {_AIMS[name][0]}", value=value, unit="ms CPU, worker and its sessions")
        for name, value in behind.items()
    ]
    return lines + [
        Figure(name=f"{label}{name}", value=Middle(found[name]).at_pace, unit=_note(Middle(found[name])))
        for name, _ in fhir_blend.BLEND
    ]


def _with_aim(name: str, found: Middle, aim: float) -> list[Figure]:
    traffic = found.traffic
    middle, tail = percentile(traffic.all_seconds, 0.5) * 1000, percentile(traffic.all_seconds, 0.99) * 1000
    return [
        at_most(name, found.at_pace, _note(found), aim),
        Figure(name=f"{name}, rate", value=traffic.count / traffic.wall, unit="/s"),
        Figure(name=f"{name}, p50", value=middle, unit="ms"),
        at_most(f"{name}, p99 against p50", tail / middle, "times", TAIL_AIM),
    ]


def _note(found: Middle) -> str:
    low, high = found.spread
    return (
        f"ms CPU at {PACE / 1e6:.0f} M ({low:.2f} to {high:.2f}; {found.as_it_was:.2f} at {found.pace / 1e6:.0f} M;"
        f" database {found.database_share * 100:.0f} %; {found.size / 1000:.1f} kB)"
    )


def growth_of(small: Found, large: Found) -> list[Figure]:
    """Of each class with an aim and each search: how much its cost grew, set against how much its result did; and of a
    count, the same without that (decision 0265)."""
    names = {name: words for name, (words, _) in _AIMS.items() if name != BLEND} | {
        name: name for name, _ in fhir_blend.BLEND
    }
    counts = [name for name in names if large[name][0].traffic.counted]
    return [
        at_most(f"growth beyond the result's: {words}", growth(small[name], large[name]), "times", GROWTH_AIM)
        for name, words in names.items()
    ] + [
        Figure(name=f"growth of cost: {name}", value=dearer(small[name], large[name]), unit="times") for name in counts
    ]
