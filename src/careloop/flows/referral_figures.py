"""Figures of referrals: the closed-loop rate and CMS50, each with who is counted and why (referrals.md §2, MS-01).

CMS50 is read as its CQL reads, from the resources themselves. Which visits qualify is decided there by value sets that
the product does not ship: here any finished visit in person or by video of that year counts (decision 0261), so the
figure is for work, not for submission.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Row, Transaction
from careloop.errors import Rejected
from careloop.flows import people, referral_rows
from careloop.flows.app import App
from careloop.flows.timeline import instant_of
from careloop.loops import referrals
from careloop.loops.rules.referrals.cms50 import Cms50, Fulfilment, Referral, cms50
from careloop.loops.rules.referrals.figures import ClosedLoops, Standing, closed_loops
from careloop.loops.rules.referrals.words import text_of

MOST = 20_000
"""More referrals of a year are not counted on a page."""
SHOWN = 50
FIRST_YEAR = 2000
_SET = 500
_VISITS = frozenset({"AMB", "HH", "VR", "FLD"})
"""Classes of the encounters that count as a visit with the practice."""
_VALUE_SET = "http://cts.nlm.nih.gov/fhir/ValueSet/"


@dataclass(frozen=True, kw_only=True)
class NotMet:
    """A patient of the population without a report, and why it does not count."""

    request_id: str
    patient_name: str
    service: str
    authored: date
    because: str


@dataclass(frozen=True, kw_only=True)
class Receipts:
    """CMS50 of a year. `referred` patients had a first referral in its span; those without a visit are not counted."""

    referred: int
    population: int
    numerator: int
    not_met: tuple[NotMet, ...]

    @property
    def share(self) -> float | None:
        """None, not 0, for no eligible patients (MS-03)."""
        return self.numerator / self.population if self.population else None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one year; `receipts` is None where there are too many referrals to count."""

    year: int
    this_year: int
    whole: ClosedLoops
    clinics: tuple[tuple[str, ClosedLoops], ...]
    receipts: Receipts | None


@dataclass(frozen=True)
class _Read:
    """What the measure reads of some patients, by patient."""

    referrals: Mapping[str, Sequence[Referral]]
    tasks: Mapping[str, Sequence[Fulfilment]]
    visits: Mapping[str, Sequence[date]]
    services: Mapping[str, str]


def figures(app: App, tx: Transaction, principal: Principal, year: int | None = None) -> Figures:
    """The figures of a year, this one when left out. Audited with the patients who are shown."""
    require_action(principal, Action.WORKLIST_READ)
    zone = people.zone_of(tx)
    today = app.clock.now().astimezone(zone).date()
    asked = today.year if year is None else year
    if not FIRST_YEAR <= asked <= today.year:
        raise Rejected(at="year", expected=f"a year from {FIRST_YEAR} to {today.year}", code="value")
    standing = referrals.standing(tx, date(asked, 1, 1), date(asked, 12, 31))
    return Figures(
        year=asked,
        this_year=today.year,
        whole=closed_loops(standing),
        clinics=tuple(_by_clinic(standing)),
        receipts=_receipts(app, tx, principal, asked, zone),
    )


def _by_clinic(standing: Sequence[Standing]) -> Iterator[tuple[str, ClosedLoops]]:
    """The clinics that were asked most, first."""
    names = {one.clinic for one in standing}
    found = [(name, closed_loops(one for one in standing if one.clinic == name)) for name in names]
    for name, loops in sorted(found, key=lambda one: (-one[1].asked, one[0]))[:SHOWN]:
        if loops.asked:
            yield name or "No clinic chosen", loops


def _receipts(app: App, tx: Transaction, principal: Principal, year: int, zone: ZoneInfo) -> Receipts | None:
    rows = referrals.of_year(tx, date(year - 1, 1, 1), date(year, 10, 31), MOST + 1)
    if len(rows) > MOST:
        return None
    of_patient: dict[str, list[Row]] = {}
    for row in rows:
        of_patient.setdefault(row["patient_id"], []).append(row)
    referred = population = numerator = 0
    missing: list[tuple[str, str, Referral, str]] = []
    patients = list(of_patient)
    for start in range(0, len(patients), _SET):
        some = patients[start : start + _SET]
        read = _read(app, tx, [row for patient in some for row in of_patient[patient]], some, zone)
        for patient in some:
            mine, tasks = read.referrals[patient], read.tasks[patient]
            found = cms50(year, read.visits[patient], mine, tasks)
            # The same with a visit taken for granted: who was referred, so that who is left out can be named.
            referred += cms50(year, [date(year, 1, 1)], mine, tasks).initial_population
            population += found.initial_population
            numerator += found.numerator
            if found.initial_population and not found.numerator and len(missing) < SHOWN:
                one = next(one for one in mine if one.id == found.referral)
                missing.append((patient, read.services[one.id], one, _because(found, tasks, mine)))
    shown = people.patients_shown(app, tx, [patient for patient, *_ in missing], app.clock.now(), zone)
    _note(tx, principal, [patient for patient, *_ in missing])
    return Receipts(
        referred=referred,
        population=population,
        numerator=numerator,
        not_met=tuple(
            NotMet(
                request_id=one.id, patient_name=shown[patient].name, service=service,
                authored=one.authored, because=because,
            )
            for patient, service, one, because in missing
        ),
    )  # fmt: skip


def _because(found: Cms50, tasks: Sequence[Fulfilment], mine: Sequence[Referral]) -> str:
    """Why the first referral has no receipt (MS-01)."""
    of_first = [task for task in tasks if task.referral == found.referral]
    if any(task.is_consultant_report and task.ended and task.status == "completed" for task in of_first):
        return "The report came before the referral or after the year"
    if any(task.is_consultant_report for task in of_first):
        return "The report is here, the referral is not closed"
    if any(task.is_consultant_report and task.referral != found.referral for task in tasks):
        return "No report; a later referral has one, only the first counts"
    return "No report" if len(mine) == 1 else "No report to the first of several referrals"


def _read(app: App, tx: Transaction, rows: Sequence[Row], patients: Sequence[str], zone: ZoneInfo) -> _Read:
    wanted = [f"ServiceRequest/{row['request_id']}" for row in rows]
    wanted += [f"Task/{row['task_id']}" for row in rows if row["task_id"]]
    found = app.record.fetch(tx, wanted)
    mine: dict[str, list[Referral]] = {patient: [] for patient in patients}
    tasks: dict[str, list[Fulfilment]] = {patient: [] for patient in patients}
    services: dict[str, str] = {}
    for row in rows:
        stored = found.get(f"ServiceRequest/{row['request_id']}")
        authored = _moment(stored.resource.get("authoredOn"), zone) if stored else None
        if stored is None or authored is None:
            continue
        status, intent = str(stored.resource.get("status", "")), str(stored.resource.get("intent", ""))
        mine[row["patient_id"]].append(Referral(id=stored.id, authored=authored, status=status, intent=intent))
        services[stored.id] = text_of(stored.resource.get("code") or {})
        task = found.get(f"Task/{row['task_id']}")
        if task is not None:
            tasks[row["patient_id"]].append(_fulfilment(app, stored.id, task.resource, zone))
    seen = app.record.of_patients(tx, [patient for patient in patients if mine[patient]], ["Encounter"])
    visits = {
        patient: [
            day
            for one in seen.get(patient, ())
            if one.resource.get("status") == "finished"
            and (one.resource.get("class") or {}).get("code") in _VISITS
            and (day := _moment((one.resource.get("period") or {}).get("start"), zone)) is not None
        ]
        for patient in patients
    }
    return _Read(mine, tasks, visits, services)


def _fulfilment(app: App, request_id: str, task: Mapping[str, Any], zone: ZoneInfo) -> Fulfilment:
    return Fulfilment(
        referral=request_id,
        status=str(task.get("status", "")),
        ended=_moment((task.get("executionPeriod") or {}).get("end"), zone),
        is_consultant_report=_is_report(app, (task.get("reasonCode") or {}).get("coding", ())),
    )


def _is_report(app: App, codings: Collection[Mapping[str, Any]]) -> bool:
    """True for our own code, and for a member of the value set Consultant Report where it is known here."""
    tables = referral_rows.tables_of(app)
    ours = tables.consultant_report
    return any(
        (one.get("system"), one.get("code")) == (ours["system"], ours["code"])
        or app.terminology.contains(_VALUE_SET + tables.consultant_report_set, one.get("system"), str(one.get("code")))
        is True
        for one in codings
    )


def _moment(text: Any, zone: ZoneInfo) -> date | None:
    """A day as a day, an instant as the local time of the practice, as precise as it was written; None for less."""
    said = str(text or "")
    try:
        if len(said) == len("2026-01-01"):
            return date.fromisoformat(said)
    except ValueError:
        return None
    at: datetime | None = instant_of(said) if len(said) > len("2026-01-01") else None
    return at.astimezone(zone).replace(tzinfo=None) if at else None


def _note(tx: Transaction, principal: Principal, patients: Sequence[str]) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype="search",
        resource_type="ServiceRequest",
        patient_ids=sorted(set(patients)),
        query="figures of referrals",
    )
    record_audit(tx, entry)
