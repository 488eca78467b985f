"""What is done again and again: say that this process is at work, seal the audit trail, carry out what is due."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from careloop.access.chain import seal
from careloop.access.keys import open_keyring
from careloop.access.model import Tenant
from careloop.db.installation import note_at_work
from careloop.flows import (
    accounts,
    contradictions,
    diary_slots,
    home_asking,
    medicine_decide,
    medicine_safety,
    merging,
    monitoring,
    outreach,
    placing,
    plan_reviews,
    reindexing,
    rescreening,
    team_rounds,
    telling,
    waiting_list,
    weekly_letters,
)
from careloop.flows.app import App
from careloop.worker import outbox, sweeping

_log = structlog.get_logger()


@dataclass
class Round:
    """One job for each tenant, at most once in `every`."""

    name: str
    every: timedelta
    work: Callable[[App, Tenant], object]
    last: dict[int, datetime] = field(default_factory=dict)


def run(app: App, stop: threading.Event, *, process: str = "worker", pause_seconds: float = 0.5) -> None:
    """Goes round until `stop`. A job that fails for one tenant is logged and tried again; the others go on."""
    all_rounds = jobs()
    while not stop.wait(pause_seconds):
        try:
            say_at_work(app, process)
            for tenant in app.tenants():
                go_round(app, tenant, all_rounds, stop)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: nothing may end it
            _log.error("round failed", process=process, exc_info=error)
            stop.wait(1.0)


def jobs() -> list[Round]:
    """Everything that is done again and again, in the order in which it is done."""
    return [
        Round("seal audit", timedelta(seconds=0.5), _seal),
        Round("sweep sessions", timedelta(minutes=10), accounts.sweep),
        Round("search index", timedelta(seconds=2), reindexing.go_on),
        Round("outbox", outbox.SWEEP_EVERY, outbox.sweep),
        Round("joined patients", timedelta(seconds=10), merging.gather_late),
        Round("contradictions", timedelta(seconds=2), contradictions.go_on),
        Round("medicines", timedelta(seconds=2), medicine_safety.go_on),
        Round("holds", timedelta(minutes=1), medicine_decide.ask_about_holds),
        Round("worklist", placing.EVERY, placing.go_on),
        Round("waiting list", timedelta(seconds=10), waiting_list.expire),
        Round("plan reviews", plan_reviews.EVERY, plan_reviews.go_on),
        Round("slots", timedelta(hours=1), diary_slots.extend),
        Round("teams", timedelta(seconds=20), team_rounds.go_on),
        Round("notices", telling.EVERY, telling.go_on),
        Round("reminders", outreach.EVERY, outreach.go_on),
        Round("home readings", monitoring.EVERY, monitoring.go_on),
        Round("check-ins", home_asking.EVERY, home_asking.go_on),
        Round("weekly letters", weekly_letters.EVERY, weekly_letters.go_on),
        Round("assessments due", timedelta(minutes=1), rescreening.go_on),
        Round("deadlines", timedelta(seconds=5), lambda app, tenant: sweeping.run(app, tenant)),
    ]


def go_round(app: App, tenant: Tenant, rounds: list[Round], stop: threading.Event) -> None:
    """Each job of this tenant whose time has come is done once."""
    for one in rounds:
        now = app.clock.now()
        if stop.is_set() or now - one.last.get(tenant.id, now - one.every) < one.every:
            continue
        one.last[tenant.id] = now
        try:
            one.work(app, tenant)
        except Exception as error:  # noqa: BLE001 - one tenant's fault must not stop the others
            _log.error("round failed", rule=one.name, tenant_id=tenant.id, exc_info=error)


def say_at_work(app: App, process: str) -> None:
    """`/readyz` knows that this process is alive."""
    with app.database.directory() as tx:
        note_at_work(tx, process, os.getpid())


def _seal(app: App, tenant: Tenant) -> None:
    seal(app.database, tenant, open_keyring(app.settings.data_dir), app.settings.data_dir, app.clock.now())
