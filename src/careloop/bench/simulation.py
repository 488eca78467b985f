"""`careloop bench simulate`: days of made-up care over every pathway, with what goes wrong; is everything still true?

Facts come late, twice and out of order; proof is withdrawn; people act, undo and hand over; staff leave, come and are
away; clocks of pathways change; patients are joined and parted, and die. The worker's rounds are made several times a
day. After each day `careloop verify` is asked. The same facts again must write nothing. One random source: a seed is a
run.
"""

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from careloop.bench import made_up, simulated_life, simulated_messages, simulated_practice, simulated_run
from careloop.bench.figures import Figure, Figures, at_most
from careloop.bench.installation import Place, installation
from careloop.bench.simulated_life import happen
from careloop.bench.simulated_run import Run
from careloop.clock import clock_started_at
from careloop.db import Row, Transaction, load_queries
from careloop.errors import CareloopError
from careloop.flows import closing, engine, verifying
from careloop.flows.app import App
from careloop.flows.bulk import import_bundles
from careloop.loops import store
from careloop.loops.rules.referrals.content import read_tables
from careloop.worker import rounds

FIRST_DAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday morning in New York; the clocks change within the week."""
_SQL = load_queries("careloop.bench", "queries.sql")
_TURNS = 4
"""So often a day something happens, three hours apart, and what is due is carried out."""
_OPENINGS, _PROOFS, _ACTS, _STAYS = 0.02, 0.05, 0.01, 0.002
"""Of each patient a day: so many things that may open a loop, proofs, acts of people, stays told by messages."""
_SAMPLE = 20
"""Patients of whom the same facts are told again each night."""
_MOST_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be simulated. `busy`: how many times as much happens as usual, for small runs. Every `whole_every`
    days and after the last all is verified, else loops, teams and diaries whole and of the record what the day wrote.
    `keep`: a folder in which the practice stays (`--data-dir`), so that a run that was cut off goes on after its last
    whole day."""

    patients: int
    days: int
    seed: int = 1
    busy: float = 1.0
    whole_every: int = 10
    keep: Path | None = None


def run(asked: Asked, command: str) -> Figures:
    """`days` days of so many patients; progress goes to standard error. What is not true after a day is in the figures,
    by its rule, as not met; so is a pathway that nothing opened, proved or completed."""
    started = time.monotonic()
    with installation(asked.keep) as place:
        live = _begin(place, asked)
        spent = _Spent(time.monotonic())
        for day in range(live.days_done, asked.days):
            morning = FIRST_DAY + timedelta(days=day)
            _live_a_day(live, asked, day, spent)
            _look(live, morning, whole=(day + 1) % asked.whole_every == 0 or day + 1 == asked.days, spent=spent)
            live.days_done = day + 1
            if asked.keep:
                simulated_run.save(live, asked.keep / "simulation.json")
            _say(live, asked, spent)
            if live.findings:
                break
        lived = _lived(place)
    figures = [Figure(name=name, value=count, unit="") for name, count in sorted(live.done.items())]
    figures += [figure for name in sorted(live.pathways) for figure in _of_pathway(name, lived.get(name))]
    figures += [Figure(name=finding, value=1, unit="found", met=False) for finding in live.findings[:_MOST_SHOWN]]
    figures.append(at_most("things that are not as they must be", len(live.findings), "", 0))
    name = f"{live.days_done} days of {asked.patients:,} patients, seed {asked.seed}"
    figures.append(Figure(name=name, value=time.monotonic() - started, unit="s"))
    return Figures(benchmark="simulate", command=command, figures=figures)


def _of_pathway(name: str, row: Row | None) -> list[Figure]:
    """What became of the loops of one pathway; not met where nothing opened, proved or completed one."""
    found: Mapping[str, int] = row or {"opened": 0, "completed": 0, "ended": 0, "still_open": 0, "proven": 0}
    says = f"opened; {found['completed']} completed, {found['ended']} ended, {found['still_open']} open"
    lived_through = bool(found["opened"] and found["proven"] and found["completed"])
    return [Figure(name=name, value=found["opened"], unit=f"{says}, {found['proven']} steps proven", met=lived_through)]


def _begin(place: Place, asked: Asked) -> Run:
    catalog = place.app.catalog
    words = catalog.document("vocabulary", "careloop")
    live = Run(
        place=place,
        random=Random(asked.seed),  # noqa: S311 - a made-up life, not a secret
        patients=[f"bench-{index}" for index in range(asked.patients)],
        pathways=engine.content_of(catalog).pathways.active,
        tables=read_tables(catalog),
        categories=sorted(words["communication_categories"]["codes"]),
    )
    if asked.keep and (asked.keep / "simulation.json").exists():
        simulated_run.load(live, asked.keep / "simulation.json")
        return live
    import_bundles(place.app, place.tenant, place.principal, list(made_up.patients(asked.patients)))
    for role in simulated_practice.FIRST:
        simulated_practice.hire(live, place.app, role)
    return live


@dataclass
class _Spent:
    """Seconds: since when it runs, and how many went into what."""

    began: float
    living: float = 0.0
    rounds: float = 0.0
    looking: float = 0.0

    @contextlib.contextmanager
    def on(self, what: str) -> Iterator[None]:
        """What is done meanwhile counts as `what`."""
        since = time.monotonic()
        yield
        setattr(self, what, getattr(self, what) + time.monotonic() - since)


_DAILY: tuple[tuple[int, int, Callable[[Run, App], None]], ...] = (
    (3, 0, simulated_practice.be_away),
    (2, 1, simulated_practice.pass_lead_on),
    (5, 2, simulated_practice.leave),
    (10, 3, simulated_practice.change_rule),
)
"""What happens every so many days, from which day on."""


def _live_a_day(live: Run, asked: Asked, day: int, spent: _Spent) -> None:
    morning = FIRST_DAY + timedelta(days=day)
    for turn in range(_TURNS):
        app = live.place.app.with_clock(clock_started_at(morning + timedelta(hours=3 * turn)))
        live.turn += 1
        with spent.on("living"):
            _live_a_turn(live, app, asked)
        with spent.on("rounds"):
            _go_round(live, app)
    with spent.on("living"):
        scale = asked.busy * asked.patients / 1000
        for chance, happens in (
            (0.2, simulated_life.merge),
            (0.1, simulated_life.unmerge),
            (0.2, simulated_life.die),
        ):
            if live.random.random() < chance * scale:
                happen(live, app, happens)
        for every, first, practise in _DAILY:
            if day % every == first % every and day >= first:
                _practise(live, app, practise)
    night = live.place.app.with_clock(clock_started_at(morning + timedelta(hours=14)))
    with spent.on("rounds"):
        _go_round(live, night)


def _live_a_turn(live: Run, app: App, asked: Asked) -> None:
    shares = (
        (_OPENINGS, simulated_life.open_something),
        (_PROOFS, simulated_life.prove_something),
        (_ACTS, simulated_life.act),
    )
    for share, happens in shares:
        for _ in range(_how_many(live, asked.busy * share / _TURNS)):
            happen(live, app, happens)
    for _ in range(_how_many(live, asked.busy * _STAYS / _TURNS)):
        live.done[simulated_messages.begin_stay(live, app.clock.now())] += 1
    simulated_messages.deliver(live, app)
    simulated_life.tell_held(live, app)


def _practise(live: Run, app: App, practise: Callable[[Run, App], None]) -> None:
    try:
        practise(live, app)
    except CareloopError as error:
        live.done[f"refused: {practise.__name__.replace('_', ' ')}, {error}"] += 1


def _go_round(live: Run, app: App) -> None:
    """Everything that the worker does again and again is done once; a fault of it ends the run."""
    for one in rounds.jobs():
        one.work(app, live.place.tenant)


def _how_many(live: Run, share: float) -> int:
    whole = len(live.patients) * share
    return int(whole) + (live.random.random() < whole % 1)


def _look(live: Run, day: datetime, *, whole: bool, spent: _Spent) -> None:
    """Everything that must be true after a day; and the same facts again write nothing."""
    app = live.place.app.with_clock(clock_started_at(day + timedelta(hours=14)))
    with spent.on("looking"):
        live.findings += [
            f"{day:%d %b} {one.part}: {one.at}, expected {one.expected}"
            for one in verifying.verify_tenant(app, live.place.tenant, since=None if whole else day)
        ]
        with app.database.transaction(live.tenant_id, actor="simulation") as tx:
            _tell_again(live, app, tx, day)


def _tell_again(live: Run, app: App, tx: Transaction, day: datetime) -> None:
    before = store.versions_in_all(tx)
    for patient in live.random.sample(live.patients, min(_SAMPLE, len(live.patients))):
        closing.review(app, tx, [patient], "the same again")
    if store.versions_in_all(tx) != before:
        live.findings.append(f"{day:%d %b} the same facts again wrote something")


def _say(live: Run, asked: Asked, spent: _Spent) -> None:
    """One line of progress: how far it came, what it costs, how long it may still take."""
    with live.place.app.database.transaction(live.tenant_id, actor="simulation") as tx:
        loops = store.loops_by_pathway(tx)
    still = sum(count for what, count in loops.items() if what.split()[-1] in ("requested", "accepted", "in-progress"))
    taken, here = time.monotonic() - spent.began, live.days_done
    left = taken / max(here, 1) * (asked.days - here)
    disk = shutil.disk_usage(live.place.app.settings.data_dir).free / 1e9
    line = (
        f"day {here} of {asked.days}: {sum(live.done.values()):,} happenings, {sum(loops.values()):,} loops, {still:,}"
        f" at work; {taken:.0f} s (living {spent.living:.0f}, rounds {spent.rounds:.0f}, verify {spent.looking:.0f}),"
        f" about {left / 60:.0f} min left; {disk:.0f} GB free; {len(live.findings)} found\n"
    )
    sys.stderr.write(line)
    sys.stderr.flush()


def _lived(place: Place) -> dict[str, Row]:
    with place.app.database.transaction(place.tenant.id, actor="simulation") as tx:
        return {row["pathway"]: row for row in tx.rows(_SQL["lived"])}
