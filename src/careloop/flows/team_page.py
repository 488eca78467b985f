"""The team as one page shows it: who is there, what they hold in minutes, who is away and who covers, what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from careloop.access import accounts
from careloop.access.accounts import StaffMember
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, may_act, require_action
from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.flows import capacity, people, routing
from careloop.flows.acting import require_text
from careloop.flows.app import App
from careloop.loops import owning
from careloop.teams import store
from careloop.teams.model import Absence, Competency, LeadOffer
from careloop.teams.rules import valid_through

ROWS = 60
"""People on one page."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A competency of somebody. `ended`: it is not valid any more."""

    title: str
    through: date
    ended: bool


@dataclass(frozen=True, kw_only=True)
class TeamRow:
    """One member of the staff."""

    member: StaffMember
    roles: str
    loops: int
    late: int
    leads: int
    open: int
    due: int
    can: int
    slips: int
    away: Absence | None
    cover_name: str
    languages: str
    states: str
    fit: tuple[Fit, ...]


@dataclass(frozen=True, kw_only=True)
class AbsenceShown:
    """An absence that is not over. `mine`: the asker may end it."""

    absence: Absence
    name: str
    cover_name: str
    begun: bool
    mine: bool


@dataclass(frozen=True, kw_only=True)
class OfferedLead:
    """A lead that waits for an answer."""

    offer: LeadOffer
    patient_name: str
    giver_name: str
    taker_name: str
    assignable: bool
    mine: bool


@dataclass(frozen=True, kw_only=True)
class TeamPage:
    """Everything on the page. `total` counts people who are left out too; `kept` are the kinds of competency that this
    practice records, `not_kept` those that are asked of nobody for it."""

    rows: tuple[TeamRow, ...]
    total: int
    queue_loops: int
    queue_late: int
    absences: tuple[AbsenceShown, ...]
    leads: tuple[OfferedLead, ...]
    everybody: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]
    not_kept: tuple[str, ...]
    supervises: bool


def page(app: App, tx: Transaction, principal: Principal, *, role: str | None = None, first: int = 0) -> TeamPage:
    """The active staff by name (of one role), `ROWS` from `first` on."""
    require_action(principal, Action.TEAM_READ)
    staff = [one for one in accounts.staff(tx) if one.active]
    chosen = [one for one in staff if role in (None, *(held.value for held in one.roles))]
    kept = store.competency_kinds(tx)
    kinds = kinds_of(app.catalog)
    shown, queue = chosen[first : first + ROWS], routing.queue_reference(tx.tenant_id)
    counts = owning.counts_by_owner(tx, [queue, *(one.reference for one in shown)], app.clock.now())
    return TeamPage(
        rows=tuple(_rows(app, tx, shown, counts, kinds)),
        total=len(chosen),
        queue_loops=counts.get(queue, (0, 0))[0],
        queue_late=counts.get(queue, (0, 0))[1],
        absences=tuple(_absences(tx, principal)),
        leads=tuple(_leads(app, tx, principal)),
        everybody=tuple((one.reference, one.name) for one in staff),
        kinds=tuple(kinds.items()),
        not_kept=tuple(title for kind, title in kinds.items() if kind not in kept),
        supervises=may_act(principal, Action.TEAM_SUPERVISE),
    )


def kinds_of(catalog: Catalog) -> dict[str, str]:
    """Kinds of competency with their names."""
    return {kind["id"]: str(kind["title"]) for kind in catalog.document("competencies", "competencies")["kinds"]}


def note_competency(app: App, tx: Transaction, principal: Principal, *, person: str, kind: str, issued: date) -> str:
    """Somebody has shown that they can; valid as long as the kind is (PG-04b). Answers with a sentence."""
    require_action(principal, Action.TEAM_SUPERVISE)
    require_text("kind", kind)
    kinds = {one["id"]: one for one in app.catalog.document("competencies", "competencies")["kinds"]}
    members = accounts.members(tx, [person])
    if kind not in kinds or not members or issued > app.clock.now().astimezone(people.zone_of(tx)).date():
        raise Rejected(at="kind", expected="a member of the staff, a kind, and a date that has been")
    through = valid_through(issued, kinds[kind]["months"])
    competency = Competency(
        practitioner=members[0].practitioner_id,
        kind=kind,
        issued=issued,
        valid_through=through,
        by=principal.reference,
    )
    store.save_competency(tx, competency, app.clock.now())
    _audit(tx, principal, "competency-noted", resource_ids=[members[0].practitioner_id])
    return f"{members[0].name}: {kinds[kind]['title']}, valid through {through:%a} {through.day} {through:%b %Y}."


def _rows(
    app: App, tx: Transaction, members: Sequence[StaffMember], counts: dict[str, tuple[int, int]], kinds: dict[str, str]
) -> list[TeamRow]:
    ids, now = [one.practitioner_id for one in members], app.clock.now()
    profiles, fit = store.profiles(tx, ids), store.competencies(tx, ids)
    away, led, names = store.absences_now(tx, ids, now), store.count_led(tx), people.Names(tx)
    today = now.astimezone(people.zone_of(tx)).date()
    rows = []
    for one in capacity.forecasts(app, tx, members):
        person, profile = one.member.practitioner_id, profiles.get(one.member.practitioner_id)
        absence = away.get(person)
        rows.append(
            TeamRow(
                member=one.member,
                roles=", ".join(sorted(role.value.replace("-", " ") for role in one.member.roles)),
                loops=counts.get(one.member.reference, (0, 0))[0],
                late=counts.get(one.member.reference, (0, 0))[1],
                leads=led.get(one.member.reference, 0),
                open=one.open,
                due=one.due,
                can=one.can,
                slips=len(one.slips),
                away=absence,
                cover_name=names.name(f"Practitioner/{absence.cover}") if absence and absence.cover else "",
                languages=", ".join(profile.languages) if profile else "",
                states=", ".join(profile.states) if profile else "",
                fit=tuple(
                    Fit(title=kinds.get(kind, kind), through=through, ended=through < today)
                    for kind, through in sorted(fit.get(person, {}).items())
                ),
            )
        )
    return rows


def _absences(tx: Transaction, principal: Principal) -> list[AbsenceShown]:
    names, supervises = people.Names(tx), may_act(principal, Action.TEAM_SUPERVISE)
    return [
        AbsenceShown(
            absence=one,
            name=names.name(f"Practitioner/{one.practitioner}"),
            cover_name=names.name(f"Practitioner/{one.cover}") if one.cover else "",
            begun=one.begun is not None,
            mine=supervises or principal.practitioner_id == one.practitioner,
        )
        for one in store.absences_ahead(tx)
    ]


def _leads(app: App, tx: Transaction, principal: Principal) -> list[OfferedLead]:
    """Leads on offer: to everybody who supervises all of them, to others their own."""
    supervises = may_act(principal, Action.TEAM_SUPERVISE)
    offers = [one for one in store.open_offers(tx) if supervises or principal.reference in (one.taker, one.giver)]
    if not offers:
        return []
    names, now = people.Names(tx), app.clock.now()
    shown = people.patients_shown(app, tx, [one.patient_id for one in offers], now, people.zone_of(tx))
    _audit(tx, principal, "search", patient_ids=sorted(shown))
    return [
        OfferedLead(
            offer=one,
            patient_name=shown[one.patient_id].name,
            giver_name=names.name(one.giver),
            taker_name=names.name(one.taker),
            assignable=one.assignable <= now,
            mine=one.taker == principal.reference,
        )
        for one in offers
    ]


def _audit(
    tx: Transaction,
    principal: Principal,
    what: str,
    *,
    resource_ids: Sequence[str] = (),
    patient_ids: Sequence[str] = (),
) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E" if what == "search" else "U",
        subtype=what,
        resource_type="Practitioner",
        resource_ids=list(resource_ids),
        patient_ids=list(patient_ids),
    )
    record_audit(tx, entry)
