"""What I am told, how I want to be told, and what became of what I never opened.

Shown to the person alone, with the rights of now: a notice of a patient whom they may not see any more is not shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from careloop import identity
from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, may_act, require_action
from careloop.db import Transaction
from careloop.engagement.notices import rules, store
from careloop.engagement.notices.model import WAYS, Kind, Notice, OnCall, Outcome, Person
from careloop.errors import NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import people, telling
from careloop.flows.app import App
from careloop.loops import outlook
from careloop.loops import store as loops
from careloop.outside.mail import is_address

KEPT = timedelta(days=30)
"""For so long the page shows what was told."""
_ROTA_DAYS = 31

WORDS: Mapping[str, str] = {
    rules.IN_TIME: "closed by proof in time",
    rules.OTHER: "closed in time by somebody else",
    rules.LATE: "closed late",
    rules.WITHOUT: "closed without proof",
    rules.OPEN: "still open, in time",
    rules.OPEN_LATE: "still open and late",
    rules.NONE: "asked for no work",
}
"""What became of a matter, in the order of the page."""
MISSED = (rules.LATE, rules.OPEN_LATE)
"""What counts against "nothing was missed"."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One notice as its person sees it. `fresh`: it was not on the page before. `says`: its changes, newest first.
    `over`: when its matter was closed, None while it is not."""

    id: str
    kind: str
    title: str
    patient_id: str
    patient_name: str
    loop_id: str | None
    safety: bool
    first: datetime
    last: datetime
    fresh: bool
    opened: bool
    says: Sequence[str]
    changes: int
    over: datetime | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """What waits for the person, what they opened already, how many kinds they turned down."""

    waiting: Sequence[Shown]
    opened: Sequence[Shown]
    turned_down: int


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How the person is told: the way of each kind, their address and hours; who is on call."""

    kinds: Sequence[tuple[Kind, str, bool]]
    person: Person
    mail: bool
    rota: Sequence[tuple[OnCall, str]]
    supervises: bool
    staff: Sequence[tuple[str, str]]
    rules: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Fate:
    """One notice that was never opened, and what became of it."""

    patient_id: str
    patient_name: str
    loop_id: str | None
    code: str
    became: str
    says: str
    ended: datetime | None
    due: datetime | None
    last: datetime


@dataclass(frozen=True, kw_only=True)
class IgnoredKind:
    """A kind of which the person left notices unopened."""

    kind: Kind
    way: str
    sent: int
    ignored: int
    fates: Sequence[Fate]
    counts: Mapping[str, int]

    @property
    def missed(self) -> int:
        """Matters that ended late or are late."""
        return sum(self.counts.get(one, 0) for one in MISSED)


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """The week of one person; for whoever owns the rules also that of everybody."""

    since: datetime
    until: datetime
    kinds: Sequence[IgnoredKind]
    total: int
    missed: int
    down: Sequence[Kind]
    everybody: Sequence[tuple[Kind, Mapping[str, int]]]


def page(app: App, tx: Transaction, principal: Principal) -> Page:
    """What the person is told; from now on it was seen. Audited as a search."""
    _require(principal)
    now = app.clock.now()
    found = store.notices_of(tx, principal.reference, since=now - KEPT, opened=True)
    shown = _shown(app, tx, found)
    store.mark_seen(tx, principal.reference, [one.id for one in found if one.seen is None], now)
    chosen = store.choices(tx, [principal.reference])
    _audit(tx, principal, "notices", [one.patient_id for one in shown])
    return Page(
        waiting=[one for one in shown if not one.opened],
        opened=[one for one in shown if one.opened][:20],
        turned_down=sum(way == "off" for way in chosen.values()),
    )


def unread(tx: Transaction, principal: Principal) -> tuple[int, int]:
    """How many notices the person has not seen, how many of safety; (0, 0) for who is told nothing."""
    return store.unread(tx, principal.reference) if telling.may_be_told(principal) else (0, 0)


def open_one(app: App, tx: Transaction, principal: Principal, notice_id: str) -> str:
    """The person followed the notice: where it leads. `NotFound` for another person's."""
    _require(principal)
    found = store.find(tx, principal.reference, notice_id) if _is_id(notice_id) else None
    if found is None:
        raise NotFound("there is no such notice")
    store.mark_opened(tx, principal.reference, [notice_id], app.clock.now())
    if found["loop_id"]:
        return f"/worklist?scope=all&loop={found['loop_id']}"
    return f"/patients/{identity.survivor_of(tx, found['patient_id'])}/episodes"


def got_it(app: App, tx: Transaction, principal: Principal, notice_ids: Sequence[str]) -> int:
    """The person says that they know; how many were theirs."""
    _require(principal)
    known = [one for one in notice_ids if _is_id(one)]
    return store.mark_opened(tx, principal.reference, known, app.clock.now())


def choices(app: App, tx: Transaction, principal: Principal) -> Choices:
    """How the person is told of each kind, and who is on call."""
    _require(principal)
    known = telling.rules_shown(app, tx)
    chosen = store.choices(tx, [principal.reference])
    names = people.Names(tx)
    supervises = may_act(principal, Action.TEAM_SUPERVISE)
    return Choices(
        kinds=[_kind_choice(kind, chosen.get((principal.reference, kind.id))) for kind in known.kinds.values()],
        person=store.people(tx, [principal.reference])[principal.reference],
        mail=bool(app.settings.smtp_host),
        rota=[(one, names.name(one.person)) for one in store.rota(tx, app.clock.now())],
        supervises=supervises,
        staff=_on_callable(tx) if supervises else (),
        rules=known.rules,
    )


def _kind_choice(kind: Kind, chosen: str | None) -> tuple[Kind, str, bool]:
    return kind, rules.way_of(kind, chosen), chosen is not None


def _on_callable(tx: Transaction) -> list[tuple[str, str]]:
    members = [one for one in accounts.staff(tx) if one.active]
    return [
        (one.reference, one.name)
        for one in members
        if telling.may_be_told(accounts.principal_of(tx.tenant_id, one, None))
    ]


def choose(app: App, tx: Transaction, principal: Principal, kind_id: str, way: str) -> str:
    """From now on the kind comes this way; an empty way is the usual one. `Rejected` for safety: it is told at once."""
    _require(principal)
    kind = telling.rules_shown(app, tx).kinds.get(kind_id)
    if kind is None or way not in ("", *WAYS):
        raise Rejected(at="kind", expected="a kind of notice and one of its ways", code="code-invalid")
    if kind.safety and way not in ("", "now"):
        raise Rejected(at="way", expected=f"now: safety cannot be turned down ({kind.rule})", code="business-rule")
    store.choose(tx, principal.reference, kind_id, way or None, app.clock.now())
    if way == "off":
        return f"Turned down: {kind.title}. What becomes of those matters stays on this page."
    return f"{kind.title}: {WAYS[rules.way_of(kind, way or None)].lower()}."


def save_person(
    app: App, tx: Transaction, principal: Principal, *, address: str, digest_at: str, quiet: tuple[str, str]
) -> str:
    """Address and hours of the person stand."""
    _require(principal)
    if address and not is_address(address):
        raise Rejected(at="address", expected="a mail address such as name@example.org", code="value")
    hours = [_hour(one) for one in (digest_at, *quiet)]
    store.save_person(
        tx,
        Person(
            person=principal.reference, address=address, digest_at=hours[0], quiet_from=hours[1], quiet_until=hours[2]
        ),
    )
    return "Saved."


def _hour(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError as error:
        raise Rejected(at="time", expected="an hour such as 07:30", code="value") from error


def put_on_call(
    app: App, tx: Transaction, principal: Principal, *, person: str, starts: datetime, ends: datetime
) -> str:
    """The person is on call then. For whoever supervises."""
    require_action(principal, Action.TEAM_SUPERVISE)
    names = dict(_on_callable(tx))
    if person not in names:
        raise Rejected(at="person", expected="an active member of the staff who sees patients", code="business-rule")
    if not (starts < ends and app.clock.now() < ends and ends - starts <= timedelta(days=_ROTA_DAYS)):
        raise Rejected(at="ends", expected=f"an end ahead, after the start, within {_ROTA_DAYS} days", code="value")
    store.add_on_call(tx, OnCall(id=new_id(), person=person, starts=starts, ends=ends), principal.reference)
    return f"{names[person]} is on call."


def take_off_call(tx: Transaction, principal: Principal, on_call_id: str) -> str:
    """That line of the rota is gone."""
    require_action(principal, Action.TEAM_SUPERVISE)
    if not _is_id(on_call_id) or not store.drop_on_call(tx, on_call_id):
        raise NotFound("there is no such line")
    return "Taken off the list."


def ignored(app: App, tx: Transaction, principal: Principal) -> Ignored:
    """What the person did not open of the last days (content: `ignored.days`), kind by kind, with what became of each
    matter. What came a minute ago counts too. Audited as a search."""
    _require(principal)
    known, now = telling.rules_shown(app, tx), app.clock.now()
    until, since = now, now - known.ignored_after
    rows = store.ignored(tx, principal.reference, since, until)
    looks = outlook.outlooks(tx, [(str(row["loop_id"]), row["step_id"]) for row in rows if row["loop_id"]])
    outcomes = [_outcome(row, looks.get((str(row["loop_id"]), row["step_id"]))) for row in rows]
    names = _names(app, tx, [one.patient_id for one in outcomes])
    chosen = store.choices(tx, [principal.reference])
    sent = store.by_kind(tx, since, until, principal.reference)
    kinds = [
        _ignored_kind(kind, [one for one in outcomes if one.kind == kind.id], principal.reference, names, now)
        for kind in known.kinds.values()
    ]
    told = [
        replace(
            one,
            way=rules.way_of(one.kind, chosen.get((principal.reference, one.kind.id))),
            sent=int(sent.get(one.kind.id, {}).get("sent", 0)),
        )
        for one in kinds
        if one.ignored
    ]
    _audit(tx, principal, "notices ignored", list(names))
    everybody = store.by_kind(tx, since, until) if may_act(principal, Action.RULES_MANAGE) else {}
    return Ignored(
        since=since,
        until=until,
        kinds=told,
        total=len(outcomes),
        missed=sum(one.missed for one in told),
        down=[known.kinds[kind] for (_, kind), way in chosen.items() if way == "off" and kind in known.kinds],
        everybody=[(kind, everybody[kind.id]) for kind in known.kinds.values() if kind.id in everybody],
    )


def _outcome(row: Mapping[str, object], look: outlook.Outlook | None) -> Outcome:
    values = {name: row[name] for name in ("kind", "patient_id", "loop_id", "last")}
    if look is None:
        blank = {"number": None, "status": "", "due": None, "ended": None, "proof": False, "by": ""}
        return Outcome(notice_id=str(row["id"]), **values, **blank)  # type: ignore[arg-type]
    return Outcome(
        notice_id=str(row["id"]),
        **{**values, "patient_id": look.patient_id},  # type: ignore[arg-type]
        number=look.number,
        status=look.status,
        due=look.due,
        ended=look.ended,
        proof=look.proof,
        by=look.owner,
    )


def _ignored_kind(
    kind: Kind, outcomes: Sequence[Outcome], person: str, names: Mapping[str, str], now: datetime
) -> IgnoredKind:
    fates = [
        Fate(
            patient_id=one.patient_id,
            patient_name=names.get(one.patient_id, ""),
            loop_id=one.loop_id,
            code=f"L-{one.number}" if one.number else "",
            became=became,
            says=WORDS[became],
            ended=one.ended,
            due=one.due,
            last=one.last,
        )
        for one in outcomes
        if (became := rules.became(one, person, now))
    ]
    counts = {word: sum(fate.became == word for fate in fates) for word in WORDS}
    order = {word: place for place, word in enumerate((*MISSED, *WORDS))}
    fates.sort(key=lambda one: (order[one.became], -one.last.timestamp()))
    return IgnoredKind(kind=kind, way=kind.way, sent=0, ignored=len(fates), fates=fates, counts=counts)


def _shown(app: App, tx: Transaction, found: Sequence[Notice]) -> list[Shown]:
    kinds = telling.rules_shown(app, tx).kinds
    current = {one.patient_id: identity.survivor_of(tx, one.patient_id) for one in found}
    names = _names(app, tx, list(current.values()))
    looks = outlook.outlooks(tx, [(str(one.loop_id), "") for one in found if one.loop_id])
    return [
        Shown(
            id=one.id,
            kind=one.kind,
            title=kinds[one.kind].title if one.kind in kinds else one.kind,
            patient_id=current[one.patient_id],
            patient_name=names.get(current[one.patient_id], ""),
            loop_id=one.loop_id,
            safety=one.safety,
            first=one.first,
            last=one.last,
            fresh=one.seen is None,
            opened=one.opened is not None,
            says=one.says,
            changes=one.changes,
            over=looks[(str(one.loop_id), "")].ended if (str(one.loop_id), "") in looks else None,
        )
        for one in found
    ]


def _names(app: App, tx: Transaction, patient_ids: Sequence[str]) -> dict[str, str]:
    patients = sorted(set(patient_ids))
    shown = people.patients_shown(app, tx, patients, app.clock.now(), people.zone_of(tx)) if patients else {}
    return {patient: one.name for patient, one in shown.items()}


def _require(principal: Principal) -> None:
    require_action(principal, Action.WORKLIST_READ)


def _is_id(text: str) -> bool:
    return loops.is_loop_id(text)


def _audit(tx: Transaction, principal: Principal, query: str, patients: Sequence[str]) -> None:
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Task",
            patient_ids=sorted(set(patients)),
            query=query,
        ),
    )
