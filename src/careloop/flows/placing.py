"""Everybody's list is kept in order, counted and filterable: by the worker as it goes round (`loops.places`)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.people import language_of
from careloop.flows.timeline import text_of
from careloop.loops import places
from careloop.loops.rules.rank import rank_days
from careloop.loops.worklist import digest_of

EVERY = timedelta(seconds=20)
COUNTED_EVERY = timedelta(seconds=60)
_SET = 5_000
_LOOPS = 1_000
_ENTRIES = 500
_SECONDS = 5.0
_TYPES = ("EpisodeOfCare", "Patient")
_IN_PROGRAMME = frozenset({"active", "planned", "waitlist", "onhold"})


def go_on(app: App, tenant: Tenant) -> int:
    """Places that held no more do again, totals are at most a minute old, traits follow the record; for at most a few
    seconds. How many places were renewed. Safe at any time."""
    until = monotonic() + _SECONDS
    moment = moment_of(app, tenant)
    _weigh(app, tenant, moment)
    app.database.run(tenant.id, lambda tx: places.set_clock(tx, moment), actor="worklist")
    renewed = _renew(app, tenant, moment, until)
    app.database.run(tenant.id, lambda tx: _count(tx, moment), actor="worklist")
    while monotonic() < until and app.database.run(tenant.id, lambda tx: _read_on(app, tx), actor="worklist"):
        pass
    return renewed


def moment_of(app: App, tenant: Tenant) -> places.Moment:
    """Now, as places are reckoned by it."""
    days = rank_days(app.clock.now(), ZoneInfo(tenant.zone))
    return places.Moment(days=days, zone=tenant.zone, weights=engine.weights_of(app, tenant))


def _weigh(app: App, tenant: Tenant, moment: places.Moment) -> None:
    """After a change of the rules of the order, every open loop has the lasting points that the new ones give."""
    known = app.database.run(tenant.id, places.clock)
    if known is None or known.digest == digest_of(moment.weights, moment.zone):
        return
    last: str | None = places.FIRST
    while last is not None:
        last = _weigh_some(app, tenant, moment, last)


def _weigh_some(app: App, tenant: Tenant, moment: places.Moment, after: str) -> str | None:
    return app.database.run(tenant.id, lambda tx: places.weigh(tx, moment.weights, after, _LOOPS), actor="worklist")


def _renew(app: App, tenant: Tenant, moment: places.Moment, until: float) -> int:
    total = 0
    while True:
        done = app.database.run(tenant.id, lambda tx: places.renew(tx, moment, _SET), actor="worklist")
        total += done
        if done < _SET or monotonic() > until:
            return total


def _count(tx: Transaction, moment: places.Moment) -> None:
    known = places.clock(tx)
    if known and (known.counted is None or abs(moment.days.now - known.counted) >= COUNTED_EVERY):
        places.count(tx, moment)


def _read_on(app: App, tx: Transaction) -> bool:
    """The traits of the next patients of the change feed are those of the record; whether there are more."""
    changed = places.read_changed(tx, _TYPES, _ENTRIES)
    if changed is None:
        return False
    patients, more = changed
    if patients:
        charts = app.record.of_patients(tx, patients, _TYPES)
        places.set_traits(
            tx, {patient: traits_of([one.resource for one in charts.get(patient, ())]) for patient in patients}
        )
    return more


def traits_of(resources: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The language (when it is not English) and the programmes that these resources of one patient tell of."""
    found: set[tuple[str, str]] = set()
    for resource in resources:
        if resource["resourceType"] == "Patient":
            found.add(("language", language_of(resource)))
        elif resource.get("status") in _IN_PROGRAMME:
            found |= {("programme", text_of(kind)) for kind in resource.get("type", [])}
    return sorted((kind, value) for kind, value in found if value)
