"""`careloop bench worklist`: lists, pages and sweeps among very many loops, in the database and at the door."""

import http.client
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from careloop.access.accounts import NewAccount, create_account, find_account
from careloop.access.keys import open_keyring
from careloop.access.model import Role
from careloop.bench import filling, population
from careloop.bench.accounting import Meter, is_at_rest
from careloop.bench.figures import Figure, Figures, at_most, percentile
from careloop.bench.installation import PASSWORD, Place, installation, resident_megabytes, running_server
from careloop.bench.telling import tell
from careloop.db.cluster import locate
from careloop.db.limits import server_cpu_seconds
from careloop.fhir.ids import new_id
from careloop.flows import engine, placing, staffing
from careloop.flows.bulk import import_bundles
from careloop.flows.routing import queue_reference
from careloop.flows.staffing import NewStaff
from careloop.loops import worklist as lists
from careloop.loops.rules.rank import rank_days
from careloop.worker import sweeping

DATABASE_AIM, PAGE_AIM, WEB_AIM, SWEEP_AIM = 60.0, 100.0, 200.0, 60.0
EVENTS, LOOPS_OF_ONE = 2_000, 50
_TIMES = 40
_REST_WITHIN = 180.0
"""Seconds in which the worker does what lies behind the making of the practice, before any page is asked for."""
_QUERIES = {
    "mine": "scope=mine",
    "team": "scope=team",
    "queue": "scope=queue",
    "team, one kind": "scope=team&kind=discharge-transition",
    "team, high risk": "scope=team&risk=high",
    "team, late": "scope=team&due=late",
    "team, due this week": "scope=team&due=week",
    "team, Spanish": "scope=team&language=Spanish",
    "team, Arabic (rare)": "scope=team&language=Arabic",
    "mine, high risk": "scope=mine&risk=high",
    "team, snoozed": "scope=team&snoozed=yes",
}


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the practice is, and how many due steps are swept at the end (0: none)."""

    patients: int
    loops: int
    open: int
    owners: int
    sweep: int


def run(size: Size, command: str, kept: Path | None = None) -> Figures:
    """Makes the practice, or takes the one that is `kept` in a folder; asks for every sort of list, opens them as one
    signed-in coordinator, lets time pass. The server that is asked was started on the whole practice, as one at work
    was: the one that made it was started on nothing and has memory for no more (decision 0267)."""
    with _folder(kept) as folder:
        with installation(folder) as place:
            made, owners = _practice(place, size)
        return _measure(folder, made, owners, size, command)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    folder = Path(tempfile.mkdtemp(prefix="careloop-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, made: population.Population, owners: int, size: Size, command: str) -> Figures:
    with installation(folder) as place:
        _catch_up(place)
        figures = [
            Figure(name="patients", value=made.patients, unit=""),
            Figure(name="loops", value=made.loops, unit=f"{made.templates:,} by the real path"),
            Figure(name="open loops", value=made.open, unit=""),
            Figure(name="owners", value=owners, unit=""),
            *_in_database(place, _first_owner(place)),
            *_at_the_door(place),
        ]  # fmt: skip
        if size.sweep:
            figures += _sweep(place, size.sweep)
    return Figures(benchmark="worklist", command=command, figures=figures)


def _practice(place: Place, size: Size) -> tuple[population.Population, int]:
    """The practice and how many own its loops; made where none stands yet."""
    note = place.app.settings.data_dir / "population.json"
    if note.exists():
        known = json.loads(note.read_text(encoding="utf-8"))
        return population.Population(**known["population"]), known["owners"]
    references = _staff(place, size.owners)
    made = population.fill(
        place, patients=size.patients, loops=size.loops, open_loops=size.open, owners=references, live=size.sweep
    )
    busy = population.busy_patient(place.app.clock.now(), references[-1], EVENTS, LOOPS_OF_ONE)
    import_bundles(place.app, place.tenant, place.principal, busy)
    filling.settle_tables(place)
    note.write_text(json.dumps({"population": asdict(made), "owners": size.owners}), encoding="utf-8")
    return made, size.owners


def _catch_up(place: Place) -> None:
    """What became due since the practice was made is done, and everybody's list is in its order."""
    tell("what is due by now")
    sweeping.run(place.app, place.tenant)
    while placing.go_on(place.app, place.tenant):
        pass


def _first_owner(place: Place) -> str:
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        return find_account(tx, "owner0").reference


def _in_database(place: Place, me: str) -> list[Figure]:
    """Rows and counts of each list, as the pages ask for them."""
    now, weights = place.app.clock.now(), engine.rank_weights(place.app.catalog)
    days = rank_days(now, ZoneInfo(place.tenant.zone))
    base = lists.Asked(
        owners=None, pathway=None, snoozed=False, days=days, weights=weights, limit=50, zone=place.tenant.zone
    )
    asked = {
        "mine": replace(base, owners=[me]),
        "team": base,
        "queue": replace(base, owners=[queue_reference(place.tenant.id)]),
        "team, one kind": replace(base, pathway="discharge-transition"),
        "team, high risk": replace(base, tier="high"),
        "team, late": replace(base, due_before=now),
        "team, Spanish": replace(base, language="Spanish"),
        "team, Arabic (rare)": replace(base, language="Arabic"),
    }
    found = {name: [_asked_seconds(place, one) for _ in range(_TIMES)] for name, one in asked.items()}
    return [at_most(f"{name}: in the database p95", _p95(one), "ms", DATABASE_AIM) for name, one in found.items()]


def _asked_seconds(place: Place, asked: lists.Asked) -> float:
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        tx.value("select 1")
        started = time.perf_counter()
        lists.page_and_totals(tx, asked)
        lists.closed_since(tx, asked.owners, asked.days.now)
        return time.perf_counter() - started


def _at_the_door(place: Place) -> list[Figure]:
    """Whole pages over one connection, in turn, so that no list is the only one whose rows are warm."""
    with running_server(place) as facts:
        if not is_at_rest(Meter(place, int(facts["pid"])), _REST_WITHIN):
            tell(f"the worker is still at work after {_REST_WITHIN:.0f} s")
        browser = Browser(str(facts["url"]))
        browser.sign_in("owner0@bench", PASSWORD)
        limit = [browser.seconds("/healthz") for _ in range(_TIMES)]
        pages: dict[str, list[float]] = {name: [] for name in _QUERIES}
        pages[f"patient with {EVENTS:,} events, {LOOPS_OF_ONE} loops"] = []
        for _ in range(_TIMES):
            for name, found in pages.items():
                found.append(browser.seconds(f"/worklist?{_QUERIES[name]}" if name in _QUERIES else "/patients/busy"))
        memory = resident_megabytes(int(facts["pid"]))
    return [
        *(at_most(f"{name}: page p95", _p95(found), "ms", PAGE_AIM) for name, found in pages.items()),
        Figure(name="limit: an empty answer p95", value=_p95(limit), unit="ms"),
        at_most("web memory", memory.get("web", 0.0), "MB", WEB_AIM),
    ]


def _sweep(place: Place, count: int) -> list[Figure]:
    """Time passes until so many loops have something to do; one sweep does it all, as the worker does it: with the same
    function, and so with a second process where that one has one. What is due is read once before, apart: a practice at
    work has it in memory, one that was just started reads it from the disk."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        at = population.wake_of(tx, count)
        started = time.perf_counter()
        population.read_due(tx, at)
        reading, before = time.perf_counter() - started, population.step_versions(tx)
    tell(f"a sweep at {at:%d %B %H:%M}")
    started, used = time.perf_counter(), _cpu_seconds(place)
    report = sweeping.run(place.app, place.tenant, at)
    seconds, used = time.perf_counter() - started, _cpu_seconds(place) - used
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        steps = max(population.step_versions(tx) - before, 1)
    loops = max(report.loops, 1)
    return [
        Figure(name="reading what is due, once, after a start", value=reading, unit="s, not counted below"),
        Figure(name="loops with something to do", value=report.loops, unit=f"{report.escalations} escalations"),
        Figure(name="due steps that it turned", value=steps, unit=f"{steps / loops:.2f} a loop"),
        Figure(name="sweep of all of them", value=seconds, unit="s"),
        at_most("sweep", seconds * count / steps, f"s for {count:,} due steps", SWEEP_AIM * count / 100_000),
        Figure(name="sweep, loops instead of steps", value=seconds * count / loops, unit=f"s for {count:,} loops"),
        Figure(name="sweep, CPU of all processes", value=used * 1000 / loops, unit="ms a loop"),
    ]


def _cpu_seconds(place: Place) -> float:
    """Of this process, of those that it started and that ended, and of PostgreSQL."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = time.process_time() + ended.ru_utime + ended.ru_stime
    return own + server_cpu_seconds(locate(place.app.settings.data_dir))


def _p95(seconds: Sequence[float]) -> float:
    return percentile(seconds, 0.95) * 1000


def _staff(place: Place, owners: int) -> list[str]:
    """References of so many coordinators. Only the first can sign in: hashing passwords takes its time."""
    manager = replace(place.principal, roles=frozenset({Role.MANAGER}))
    person = NewStaff(username="owner0", name="Owner Zero", roles=[Role.COORDINATOR], password=PASSWORD)
    made = [staffing.create_account(place.app, manager, place.tenant, person).member]
    keys = open_keyring(place.app.settings.data_dir)
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        for number in range(1, owners):
            account = NewAccount(
                id=new_id(), username=f"owner{number}", name=f"Owner {number}", practitioner_id=new_id(),
                roles=[Role.COORDINATOR],
            )  # fmt: skip
            made.append(create_account(tx, keys, place.app.clock.now(), account))
    return [member.reference for member in made]


class Browser:
    """One connection with cookies, like a browser that keeps a page open."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._origin = url
        self._connection = http.client.HTTPConnection(self._host, timeout=60)
        self._cookies: dict[str, str] = {}

    def sign_in(self, username: str, password: str) -> None:
        """The session is open."""
        self._ask("GET", "/sign-in")
        form = {"username": username, "password": password, "csrf": self._cookies.get("careloop_before", "")}
        status = self._ask("POST", "/sign-in", urlencode(form))
        if status not in (200, 302, 303):
            raise ConnectionError(f"sign-in was answered with {status}")

    def seconds(self, path: str) -> float:
        """From asking to the last byte of a page."""
        started = time.perf_counter()
        status = self._ask("GET", path)
        if status != 200:
            raise ConnectionError(f"{path} was answered with {status}")
        return time.perf_counter() - started

    def _ask(self, method: str, path: str, body: str | None = None) -> int:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._origin}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status
