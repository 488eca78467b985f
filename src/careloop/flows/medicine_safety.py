"""Safety of medicines: checked behind the writes, by whatever door a medicine came; what is found are DetectedIssues.

The change feed says whose medicines, allergies, problems or results changed; the worker checks those patients in sets
and writes what is different. A history load costs the import nothing, and only what is taken now is checked. A finding
that a person overrode stays silent until a drug, a dose or a governing value changes (ME-09).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from time import monotonic

from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.policy import Action, may, require, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.fhir.ids import derived_id
from careloop.flows import adherence, engine, medicine_differences, medicine_issues, people, writing
from careloop.flows.app import App
from careloop.medications import drugs_of, read_medicine, store
from careloop.medications.facts import LOINC, Facts, facts_of, person_from
from careloop.medications.findings import Checked, NotChecked
from careloop.medications.model import Medicine, Resource
from careloop.medications.person import Person
from careloop.medications.rules.safety import check
from careloop.medications.safety_content import Safety, safety_of
from careloop.medications.store import OPEN, OVERRIDDEN, RESOLVED, Look, Standing
from careloop.record import Stored, Write

LISTED = ("MedicationRequest", "MedicationStatement")
"""What makes a finding when it arrives (interface.md section 4)."""
_FEED = (*LISTED, "MedicationDispense", "List")
_GOVERNING = ("AllergyIntolerance", "Condition", "Observation", "Patient", "DetectedIssue")
_ASKED = ("Patient", "Condition", "AllergyIntolerance")
_PATIENTS, _SECONDS = 20, 0.5
_WASHOUT_DAYS, _STALE_DAYS = (2, 14, 35), (31, 366)
"""Days after which a stopped medicine or a result counts no more; looking too often does no harm."""
_LIVE = frozenset({"active", "intended", "draft", "unknown"})
_WASHOUT = frozenset({"stopped", "completed", "cancelled"})


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """What one round did."""

    patients: int
    written: int


def go_on(app: App, tenant: Tenant) -> int:
    """The feed is read on, for at most about half a second; how many patients were looked at. For the worker."""
    until, looked, more = monotonic() + _SECONDS, 0, True
    while more and monotonic() < until:
        touched, more = app.database.run(tenant.id, lambda tx: _round(app, tx), actor="medicines")
        looked += touched
    return looked + app.database.run(tenant.id, lambda tx: _due(app, tx), actor="medicines")


def _due(app: App, tx: Transaction) -> int:
    """Those whose answer time alone may have changed are looked at again."""
    due = store.due_looks(tx, _today(app, tx), _PATIENTS)
    if due:
        review(app, tx, due)
    return len(due)


def catch_up(app: App, tenant: Tenant, progress: Callable[[int], None] = lambda count: None) -> int:
    """Everything that the feed tells of has been looked at; how many patients that were. For those who wait for it."""
    looked = 0
    while app.database.run(tenant.id, store.is_behind):
        looked += go_on(app, tenant)
        progress(looked)
    return looked


def _round(app: App, tx: Transaction) -> tuple[int, bool]:
    changed = store.read_changes(tx, _FEED, _GOVERNING, _PATIENTS)
    if changed is None:
        return 0, False
    if changed.patients:
        review(app, tx, sorted(changed.patients))
        medicine_differences.review(app, tx, sorted(changed.patients))
    return len(changed.patients), changed.more


def review(app: App, tx: Transaction, patient_ids: Sequence[str]) -> Reviewed:
    """The findings of these patients are what their record says now. The same record again writes nothing."""
    now, zone = app.clock.now(), people.zone_of(tx)
    content = engine.catalog_for(app, tx)
    standing = _by_patient(store.of_patients(tx, patient_ids))
    charts = charts_of(app, tx, patient_ids, also=frozenset(standing))
    safety = safety_of(content)
    today = now.astimezone(zone).date()
    changes: list[Standing] = []
    looks: list[Look] = []
    refills = adherence.review(app, tx, patient_ids)
    told = _mitigated(app, tx, [one for some in standing.values() for one in some])
    for patient_id in patient_ids:
        chart = charts.get(patient_id)
        checked = chart.check(safety, today) if chart is not None else Checked()
        left = len({one.reference for one in checked.not_checked})
        dates = [*(chart.next_looks(today) if chart is not None else ()), *refills.get(patient_id, ())]
        look_on = min((day for day in dates if day > today), default=None)
        looks.append(Look(patient_id=patient_id, medicines=checked.checked, not_checked=left, look_on=look_on))
        stopped = chart.stopped if chart is not None else frozenset()
        changes += _changes(tx.tenant_id, patient_id, checked, standing.get(patient_id, ()), told, stopped, now)
    store.put_checked(tx, now, looks)
    _write(app, tx, changes)
    return Reviewed(patients=len(patient_ids), written=len(changes))


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The medicines of one patient and what governs them. `stopped`: references that are on no list any more."""

    medicines: tuple[Medicine, ...]
    resources: tuple[Resource, ...]
    facts: Facts
    stopped: frozenset[str]

    def person(self, today: date) -> Person:
        """The person as the rows see one."""
        return person_from(self.resources, self.facts, today)

    def next_looks(self, today: date) -> list[date]:
        """Days on which time alone may change the answer: a course begins or is over, a washout is, a lab is stale."""
        bounds = [day for one in self.medicines for day in (one.start, one.end) if day is not None]
        washed = [end + timedelta(days=days) for end in bounds for days in (1, *_WASHOUT_DAYS)]
        stale = [lab.day + timedelta(days=days) for lab in self.person(today).labs.values() for days in _STALE_DAYS]
        return [day for day in (*bounds, *washed, *stale) if day > today]

    def check(self, safety: Safety, today: date) -> Checked:
        """What the tables say today."""
        return check(self.medicines, self.person(today), safety)


def charts_of(
    app: App, tx: Transaction, patient_ids: Sequence[str], *, also: frozenset[str] = frozenset()
) -> dict[str, Chart]:
    """The charts of those who take anything, and of those in `also`: four queries for any number of patients."""
    content = engine.catalog_for(app, tx)
    listed = app.record.of_patients(tx, patient_ids, LISTED)
    asked = [one for one, some in listed.items() if one in also or any(_is_live(each) for each in some)]
    if not asked:
        return {}
    facts, drugs = facts_of(content), drugs_of(content)
    others = app.record.of_patients(tx, asked, _ASKED)
    labs = app.record.coded_of_patients(tx, asked, "Observation", [("code", f"{LOINC}|{code}") for code in facts.tests])
    found = [one.resource for patient_id in asked for one in listed[patient_id]]
    medications = _medications(app, tx, found)
    charts: dict[str, Chart] = {}
    for patient_id in asked:
        if any(_is_dead(one) for one in others[patient_id]):
            continue
        mine = [one for one in listed[patient_id] if str(one.resource.get("status")) in _LIVE | _WASHOUT]
        resolve = _resolver(medications)
        charts[patient_id] = Chart(
            medicines=tuple(read_medicine(one.resource, drugs, resolve=resolve) for one in mine),
            resources=tuple(one.resource for one in (*others[patient_id], *labs[patient_id])),
            facts=facts,
            stopped=frozenset(one.reference for one in listed[patient_id] if not _is_live(one)),
        )
    return charts


def _is_dead(stored: Stored) -> bool:
    """Nobody is alerted about the medicines of somebody who has died."""
    return bool(stored.resource.get("deceasedDateTime") or stored.resource.get("deceasedBoolean") is True)


def _is_live(stored: Stored) -> bool:
    return str(stored.resource.get("status")) in _LIVE


def _medications(app: App, tx: Transaction, resources: Iterable[Resource]) -> Mapping[str, Stored]:
    named = {
        str(reference)
        for one in resources
        if (reference := (one.get("medicationReference") or {}).get("reference"))
        and str(reference).startswith("Medication/")
    }
    return app.record.fetch(tx, sorted(named)) if named else {}


def _resolver(medications: Mapping[str, Stored]) -> Callable[[str], Resource | None]:
    return lambda reference: medications[reference].resource if reference in medications else None


def person_of(app: App, tx: Transaction, patient_id: str) -> Person:
    """The person as the tables see one today, from the record. Not audited: the caller's read is."""
    facts = facts_of(engine.catalog_for(app, tx))
    others = app.record.of_patients(tx, [patient_id], _ASKED)[patient_id]
    tokens = [("code", f"{LOINC}|{code}") for code in facts.tests]
    labs = app.record.coded_of_patients(tx, [patient_id], "Observation", tokens)[patient_id]
    return person_from((one.resource for one in (*others, *labs)), facts, _today(app, tx))


def check_list(app: App, tx: Transaction, patient_id: str, medicines: Sequence[Medicine]) -> Checked:
    """What the tables say about any list of this patient. Nothing is written. Not audited: the caller's read is."""
    return check(medicines, person_of(app, tx, patient_id), safety_of(engine.catalog_for(app, tx)))


def medicines_of(app: App, tx: Transaction, patient_id: str) -> tuple[Medicine, ...]:
    """The orders and statements of a patient as medicines. Not audited: the caller's read is."""
    drugs = drugs_of(engine.catalog_for(app, tx))
    resources = [one.resource for one in app.record.of_patient(tx, patient_id, LISTED)]
    resolve = _resolver(_medications(app, tx, resources))
    return tuple(read_medicine(one, drugs, resolve=resolve) for one in resources)


def findings_of(app: App, tx: Transaction, patient_id: str) -> list[Standing]:
    """What stands about a patient, the most urgent first. Not audited: the caller's read is."""
    return store.of_patient(tx, patient_id)


def may_allow(principal: Principal) -> bool:
    """True for those who may say that a contraindicated finding may be so: prescribers (ME-09)."""
    return may(principal, "update", "MedicationRequest")


def override(app: App, tx: Transaction, principal: Principal, finding_id: str, why: str) -> str:
    """A person says why it may be so; what to say afterwards. It stays silent until a drug, a dose or a governing value
    changes (ME-09). A contraindicated one needs a prescriber. `Conflict` where it is not open."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "DetectedIssue")
    one = store.find(tx, finding_id)
    app.record.read(tx, principal, "Patient", one.patient_id)
    if one.state != OPEN:
        raise Conflict("this was decided already, or is not true any more")
    if one.tier == "contraindicated" and not may_allow(principal):
        raise NotPermitted("a physician decides about medicines that must not be taken together")
    if not why.strip():
        raise Rejected(at="why", expected="a reason", code="required")
    _write(app, tx, [replace(one, state=OVERRIDDEN, decided_by=principal.reference, why=why.strip())])
    return "Noted. It will be shown again only if a medicine, a dose or a lab value changes."


def take_back(app: App, tx: Transaction, principal: Principal, finding_id: str) -> str:
    """An override is taken back; what to say afterwards. `Conflict` where there is none."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "DetectedIssue")
    one = store.find(tx, finding_id)
    app.record.read(tx, principal, "Patient", one.patient_id)
    if one.state != OVERRIDDEN:
        raise Conflict("nobody has overridden this")
    _write(app, tx, [replace(one, state=OPEN, decided_by=None, why=None)])
    return "Open again."


def _changes(
    tenant_id: int,
    patient_id: str,
    checked: Checked,
    standing: Sequence[Standing],
    told: Mapping[str, tuple[str, str]],
    stopped: frozenset[str],
    now: datetime,
) -> list[Standing]:
    found = {
        (key := derived_id(tenant_id, "medicine-finding", patient_id, one.key)): medicine_issues.standing_of(
            one, key, patient_id, now
        )
        for one in checked.findings
    }
    left: dict[str, list[NotChecked]] = {}
    for item in checked.not_checked:
        left.setdefault(item.reference, []).append(item)
    for reference, some in left.items():
        key = derived_id(tenant_id, "medicine-not-checked", patient_id, reference)
        found[key] = medicine_issues.unchecked(some, key, patient_id, now)
    before = {one.id: one for one in standing}
    made = [_next(before.get(key), one, told.get(key)) for key, one in found.items()]
    gone = [
        replace(one, state=RESOLVED, ended=now, decided_by=None, why=None, acted=bool(stopped & set(one.refs)))
        for key, one in before.items()
        if key not in found and one.state != RESOLVED
    ]
    return [*(one for one in made if one is not None), *gone]


def _next(before: Standing | None, found: Standing, told: tuple[str, str] | None) -> Standing | None:
    """What becomes of a finding that is true: None where it stands like that already. What was overridden stays so as
    long as nothing that governs it changed; words may."""
    if before is None:
        return found
    if before.state == RESOLVED:
        return found
    if before.fingerprint != found.fingerprint:
        same = before.state == OPEN
        return replace(found, fired=before.fired) if same else found
    if before.state == OPEN and told is not None:
        return replace(before, state=OVERRIDDEN, decided_by=told[0], why=told[1])
    kept = replace(found, state=before.state, fired=before.fired, decided_by=before.decided_by, why=before.why,
                   acted=before.acted)  # fmt: skip
    return None if kept == before else kept


def _mitigated(app: App, tx: Transaction, standing: Sequence[Standing]) -> dict[str, tuple[str, str]]:
    """What FHIR clients wrote as `mitigation` of an open finding: by whom, and the reason."""
    references = [f"DetectedIssue/{one.id}" for one in standing if one.state == OPEN]
    found: dict[str, tuple[str, str]] = {}
    for stored in app.record.fetch(tx, references).values() if references else ():
        for one in stored.resource.get("mitigation") or ():
            action = one.get("action") or {}
            why = str(action.get("text") or next((c.get("display") for c in action.get("coding") or ()), "") or "")
            if why:
                found[stored.id] = (str((one.get("author") or {}).get("reference") or "a FHIR client"), why)
    return found


def _write(app: App, tx: Transaction, changes: Sequence[Standing]) -> None:
    """The rows, their DetectedIssues and one Provenance for each patient, through the one door."""
    if not changes:
        return
    now, zone = app.clock.now(), people.zone_of(tx)
    for one in changes:
        store.put(tx, one)
    issues = [medicine_issues.detected_issue(one, zone, now) for one in changes]
    writes = [Write(method="update", resource_type="DetectedIssue", id=one["id"], resource=one) for one in issues]
    version = str(engine.catalog_for(app, tx).document("medications", "interactions")["version"])
    at = now.astimezone(zone).isoformat(timespec="seconds")
    for patient_id, some in _by_patient(changes).items():
        targets = [f"DetectedIssue/{one.id}" for one in some]
        key = derived_id(tx.tenant_id, "medicine-provenance", patient_id, at, *targets)
        told = medicine_issues.provenance(key, targets, at, version)
        writes.append(Write(method="update", resource_type="Provenance", id=key, resource=told))
    writing.write(app, tx, system_principal(tx.tenant_id, "medicines"), writes, each=True)


def _by_patient(standing: Sequence[Standing]) -> dict[str, list[Standing]]:
    found: dict[str, list[Standing]] = {}
    for one in standing:
        found.setdefault(one.patient_id, []).append(one)
    return found


def _today(app: App, tx: Transaction) -> date:
    return app.clock.now().astimezone(people.zone_of(tx)).date()
