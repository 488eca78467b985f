"""What joining two patients would bring together, told before anybody decides; nothing is changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop import identity
from careloop.db import Transaction
from careloop.flows import people
from careloop.flows.app import App
from careloop.flows.patient_reading import minutes_in_month
from careloop.flows.timeline import is_loop, text_of
from careloop.identity import merges, store
from careloop.identity.rules.contradictions import contradictions

Resource = dict[str, Any]

_READ = ("Task", "Communication", "Consent", "Appointment", "CareTeam", "Coverage")
_OPEN_TASK = ("requested", "received", "accepted", "in-progress", "ready", "on-hold")
_AHEAD = ("proposed", "pending", "booked", "waitlist")
_STAYS = frozenset({"Patient", "Provenance", "AuditEvent", *_READ})
_MOST_NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """One thing that joining does: in words, how many things it moves, and which (the first few)."""

    kind: str
    says: str
    count: int
    named: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """One thing that both records say, and say differently. `needs_look` where a person should settle it first."""

    field: str
    survivor: str
    prior: str
    needs_look: bool


@dataclass(frozen=True, kw_only=True)
class MergePreview:
    """Everything that would change: the prior's things go to the survivor, who keeps their own."""

    survivor_id: str
    prior_id: str
    consequences: tuple[Consequence, ...]
    contradictions: tuple[Contradiction, ...]

    @property
    def moved(self) -> int:
        """How many resources would name another patient."""
        return sum(one.count for one in self.consequences if one.kind != "minutes")


@dataclass(frozen=True, kw_only=True)
class _Chart:
    """What stands about one of the two."""

    by_type: Mapping[str, Sequence[Resource]]
    counts: Mapping[str, int]
    numbers: Sequence[identity.Identifier]


def preview(app: App, tx: Transaction, survivor_id: str, prior_id: str) -> MergePreview:
    """The consequences of a merge of `prior_id` into `survivor_id`."""
    both = [survivor_id, prior_id]
    stored = app.record.of_patients(tx, both, _READ)
    counts = store.counts_about(tx, both)
    charts = [_chart(tx, [one.resource for one in stored.get(who, ())], counts[who], who) for who in both]
    found = app.record.fetch(tx, [f"Patient/{one}" for one in both])
    persons = [found[f"Patient/{one}"].resource if f"Patient/{one}" in found else {} for one in both]
    now, zone = app.clock.now(), people.zone_of(tx)
    kept, moved = charts
    return MergePreview(
        survivor_id=survivor_id,
        prior_id=prior_id,
        consequences=tuple(_consequences(kept, moved, now, zone)),
        contradictions=tuple(
            Contradiction(field=field, survivor=one, prior=two, needs_look=needs_look)
            for field, one, two, needs_look in contradictions(*persons)
        ),
    )


def _chart(tx: Transaction, resources: Sequence[Resource], counts: Mapping[str, int], patient_id: str) -> _Chart:
    by_type: dict[str, list[Resource]] = {}
    for one in resources:
        by_type.setdefault(str(one["resourceType"]), []).append(one)
    return _Chart(by_type=by_type, counts=counts, numbers=merges.numbers_of(tx, patient_id))


def _consequences(kept: _Chart, moved: _Chart, now: datetime, zone: ZoneInfo) -> Iterator[Consequence]:
    for make in (_loops, _messages, _consents, _appointments, _teams, _coverage, _numbers, _others):
        yield from make(kept, moved)
    ours, theirs = (minutes_in_month(one.by_type.get("Communication", ()), now, zone) for one in (kept, moved))
    if theirs:
        says = f"{ours} and {theirs} minutes of contact this month count together: {ours + theirs}"
        yield Consequence(kind="minutes", says=says, count=theirs)


def _loops(kept: _Chart, moved: _Chart) -> Iterator[Consequence]:
    mine, ours = (list(map(text_of_task, _open_loops(one))) for one in (moved, kept))
    if mine:
        yield _told("loops", f"{_many(len(mine), 'open loop')} will be worked for the joined person", mine)
    doubled = sorted(set(mine) & set(ours))
    if doubled:
        yield _told("doubled loops", "Both have an open loop of the same kind; it is looked at again as one", doubled)


def _open_loops(chart: _Chart) -> list[Resource]:
    tasks = chart.by_type.get("Task", ())
    return [one for one in tasks if is_loop(one) and not one.get("partOf") and one.get("status") in _OPEN_TASK]


def text_of_task(task: Resource) -> str:
    """What a Task is about."""
    return text_of(task.get("code", {})) or "a task"


def _messages(kept: _Chart, moved: _Chart) -> Iterator[Consequence]:
    mine = [one for one in moved.by_type.get("Communication", ()) if one.get("status") != "entered-in-error"]
    if mine:
        yield Consequence(kind="messages", says=f"{_many(len(mine), 'call or message', 'calls and messages')} move",
                          count=len(mine))  # fmt: skip


def _consents(kept: _Chart, moved: _Chart) -> Iterator[Consequence]:
    mine, ours = ([_consent(one) for one in chart.by_type.get("Consent", ()) if one.get("status") == "active"]
                  for chart in (moved, kept))  # fmt: skip
    if mine:
        yield _told("consents", f"{_many(len(mine), 'consent')} will hold for the joined person", mine)
    if mine and ours and set(mine) != set(ours):
        yield Consequence(kind="differing consents", says="The two have given different consents; ask which one holds",
                          count=0, named=tuple(sorted({*mine, *ours}))[:_MOST_NAMED])  # fmt: skip


def _consent(one: Resource) -> str:
    kind = one.get("provision", {}).get("type", "")
    name = next((text_of(each) for each in one.get("category", ()) if text_of(each)), "") or text_of(
        one.get("scope", {})
    )
    return f"{name or 'consent'}{': ' + kind if kind else ''}"


def _appointments(kept: _Chart, moved: _Chart) -> Iterator[Consequence]:
    mine = [str(one.get("start", ""))[:16] for one in moved.by_type.get("Appointment", ()) if one["status"] in _AHEAD]
    if mine:
        yield _told("appointments", f"{_many(len(mine), 'appointment')} ahead move", sorted(mine))


def _teams(kept: _Chart, moved: _Chart) -> Iterator[Consequence]:
    mine = [one for one in moved.by_type.get("CareTeam", ()) if one.get("status") in (None, "active", "proposed")]
    members = sorted({
        str(person["member"].get("display") or person["member"].get("reference", ""))
        for team in mine for person in team.get("participant", ()) if isinstance(person.get("member"), dict)
    })  # fmt: skip
    if mine:
        says = f"{_many(len(mine), 'care team')} with {_many(len(members), 'member')} will see the joined record"
        yield Consequence(kind="care teams", says=says, count=len(mine), named=tuple(members[:_MOST_NAMED]))


def _coverage(kept: _Chart, moved: _Chart) -> Iterator[Consequence]:
    mine = moved.by_type.get("Coverage", ())
    if mine:
        yield Consequence(kind="coverage", says=f"{_many(len(mine), 'insurance')} move", count=len(mine))


def _numbers(kept: _Chart, moved: _Chart) -> Iterator[Consequence]:
    if moved.numbers:
        says = f"{_many(len(moved.numbers), 'record number')} will find the joined person"
        yield _told("identifiers", says, [f"{one.value} ({one.system})" for one in moved.numbers])


def _others(kept: _Chart, moved: _Chart) -> Iterator[Consequence]:
    rest = {kind: count for kind, count in moved.counts.items() if kind not in _STAYS}
    if rest:
        named = [f"{count} {kind}" for kind, count in sorted(rest.items(), key=lambda one: (-one[1], one[0]))]
        says = f"{_many(sum(rest.values()), 'other fact')} move"
        yield Consequence(kind="facts", says=says, count=sum(rest.values()), named=tuple(named[:_MOST_NAMED]))


def _told(kind: str, says: str, named: Sequence[str]) -> Consequence:
    return Consequence(kind=kind, says=says, count=len(named), named=tuple(named[:_MOST_NAMED]))


def _many(count: int, one: str, more: str | None = None) -> str:
    return f"{count} {one if count == 1 else more or one + 's'}"
