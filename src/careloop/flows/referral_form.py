"""What the form for a new referral offers: what the record knows already, so that nobody types it again (RF-01)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from careloop.access import accounts
from careloop.access.model import Principal, Role
from careloop.db import Transaction
from careloop.flows import people, referral_rows
from careloop.flows.app import App
from careloop.flows.patient_reading import full_name
from careloop.flows.referral_desk import require_work
from careloop.flows.referral_items import contact_of, patient_of
from careloop.flows.referral_resources import CONSULT_NOTE
from careloop.flows.timeline import instant_of
from careloop.loops import referrals
from careloop.loops.referrals import ENOUGH, ClinicRecord, Wait
from careloop.loops.rules.referrals import Tables, words
from careloop.loops.rules.referrals.words import is_referral

_KNOWN = (
    "Condition", "MedicationStatement", "MedicationRequest", "AllergyIntolerance", "DiagnosticReport", "Coverage",
    "CareTeam",
)  # fmt: skip
_PAYERS = frozenset({"ins", "pay"})
_RECORD = timedelta(days=365)
_RESULTS = 8
_SHOWN = 8
_CLINICS = 60
_OPEN_MEDICINES = frozenset({"active", "intended", "on-hold"})


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing of the record to choose."""

    reference: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Lately:
    """A service that was asked for or done lately, here or elsewhere: what, when, where, what came of it, and where to
    read it."""

    says: str
    day: date
    place: str
    result: str
    link: str


@dataclass(frozen=True, kw_only=True)
class ReferralForm:
    """What a new referral can be made of. `lacks` are items of RF-01 that the patient's page must give first."""

    patient_id: str
    patient_name: str
    language: str
    contact: str
    lacks: tuple[str, ...]
    problems: tuple[Choice, ...]
    medications: tuple[Choice, ...]
    allergies: tuple[Choice, ...]
    results: tuple[Choice, ...]
    coverages: tuple[Choice, ...]
    clinicians: tuple[Choice, ...]
    clinics: Sequence[ClinicRecord]
    services: Sequence[str]
    tables: Tables
    waits: Mapping[tuple[str, str], Wait]
    lately: tuple[Lately, ...]

    def wait(self, clinic: str, service: str = "") -> Wait:
        """The forecast for this clinic and what is asked for; with too few of both, for the clinic alone."""
        nothing = Wait(visits=0, median=0, low=0, high=0)
        exact = self.waits.get((clinic, service), nothing)
        return exact if exact.visits >= ENOUGH else self.waits.get((clinic, ""), nothing)

    @property
    def by_service(self) -> list[tuple[str, Wait]]:
        """What was waited for most, with its forecast."""
        found = [(service, wait) for (clinic, service), wait in self.waits.items() if service and not clinic]
        return sorted(found, key=lambda one: (-one[1].visits, one[0]))[:_SHOWN]


def form(app: App, tx: Transaction, principal: Principal, patient_id: str) -> ReferralForm:
    """The choices for this patient; `NotFound` where there is none. That the chart was read is in the trail."""
    require_work(principal)
    app.record.read(tx, principal, "Patient", patient_id)
    patient = patient_of(app, tx, patient_id)
    chart: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in _KNOWN}
    for stored in app.record.of_patient(tx, patient_id, _KNOWN):
        chart[stored.resource_type].append(stored.resource)
    language, contact = referral_rows.language_of(patient), contact_of(patient)
    lacks = [name for name, value in (("the language", language), ("a phone or address", contact)) if not value]
    medicines = [*chart["MedicationStatement"], *chart["MedicationRequest"]]
    return ReferralForm(
        patient_id=patient_id,
        patient_name=full_name(patient),
        language=language,
        contact=contact,
        lacks=tuple(lacks),
        problems=_choices(one for one in chart["Condition"] if _is_active(one)),
        medications=_choices(one for one in medicines if one.get("status") in _OPEN_MEDICINES),
        allergies=_choices(one for one in chart["AllergyIntolerance"] if _is_active(one)),
        results=_results(chart["DiagnosticReport"]),
        coverages=_coverages(one for one in chart["Coverage"] if one.get("status") == "active"),
        clinicians=_clinicians(tx, principal, chart["CareTeam"]),
        clinics=clinics(app, tx, principal),
        services=referrals.services(tx),
        tables=referral_rows.tables_of(app),
        waits=referrals.waits(tx, app.clock.now() - _RECORD, str(people.zone_of(tx))),
        lately=_lately(app, tx, patient_id),
    )


def _lately(app: App, tx: Transaction, patient_id: str) -> tuple[Lately, ...]:
    """Referrals and consultants' reports of the time in which a repeat is worth a word, the newest first."""
    windows = {one["category"]: one for one in app.catalog.document("cds", "duplicates")["windows"]}
    zone = people.zone_of(tx)
    since = app.clock.now() - timedelta(days=int(windows["referral"]["days"]))
    asked = [one.id for one in app.record.of_patient(tx, patient_id, ("ServiceRequest",)) if is_referral(one.resource)]
    found = [
        Lately(
            says=story.service,
            day=story.authored.astimezone(zone).date(),
            place=story.clinic_name,
            result=story.state.says,
            link=f"/referrals/{story.id}",
        )
        for story in referral_rows.load(app, tx, asked).values()
        if story.authored is not None and (story.is_open or story.authored >= since)
    ]
    for stored in app.record.of_patient(tx, patient_id, ("DocumentReference",)):
        codes = {coding.get("code") for coding in (stored.resource.get("type") or {}).get("coding", ())}
        at = instant_of(stored.resource.get("date"))
        if CONSULT_NOTE["code"] in codes and stored.resource.get("status") == "current" and at and at >= since:
            author: Mapping[str, Any] = next(iter(stored.resource.get("author", ())), {})
            said = str(stored.resource.get("description") or "Consult note")
            place = str(author.get("display", ""))
            link = f"/documents/{stored.id}"
            found.append(Lately(says=said, day=at.astimezone(zone).date(), place=place, result="report", link=link))
    return tuple(sorted(found, key=lambda one: one.day, reverse=True)[:_SHOWN])


def clinics(app: App, tx: Transaction, principal: Principal) -> list[ClinicRecord]:
    """Clinics that were asked before with their record, then the other organizations of the record, by name."""
    now = app.clock.now()
    known = referrals.clinics(tx, now - _RECORD, str(people.zone_of(tx)), limit=_CLINICS)
    asked = {one.clinic for one in known}
    found = app.record.search(tx, principal, "Organization", [("_count", str(_CLINICS)), ("_sort", "name")], now)
    others = [
        _never_asked(f"Organization/{stored.id}", str(stored.resource.get("name", "")))
        for stored in found.entries
        if f"Organization/{stored.id}" not in asked and stored.resource.get("name") and not _is_payer(stored.resource)
    ]
    return [*known, *others][:_CLINICS]


def _never_asked(reference: str, name: str) -> ClinicRecord:
    return ClinicRecord(
        clinic=reference, name=name, asked=0, answered=0, unanswered=0, seen=0, reported=0,
        median_answer_seconds=None, median_wait_days=None,
    )  # fmt: skip


def _is_payer(organization: Mapping[str, Any]) -> bool:
    kinds = {coding.get("code") for one in organization.get("type", ()) for coding in one.get("coding", ())}
    return bool(kinds & _PAYERS) or organization.get("active") is False


def _choices(found: Any) -> tuple[Choice, ...]:
    choices: dict[str, Choice] = {}
    for one in found:
        says = _says(one)
        if says:
            choices.setdefault(says.lower(), Choice(reference=f"{one['resourceType']}/{one['id']}", says=says))
    return tuple(sorted(choices.values(), key=lambda choice: choice.says.lower()))


def _says(resource: Mapping[str, Any]) -> str:
    concept = resource.get("medicationCodeableConcept") or resource.get("code")
    return words.text_of(concept) or str((resource.get("medicationReference") or {}).get("display", ""))


def _is_active(resource: Mapping[str, Any]) -> bool:
    def codes(name: str) -> set[str]:
        return {str(coding.get("code", "")) for coding in (resource.get(name) or {}).get("coding", ())}

    if codes("verificationStatus") & {"entered-in-error", "refuted"}:
        return False
    return not codes("clinicalStatus") & {"resolved", "inactive", "remission"}


def _results(reports: Sequence[Mapping[str, Any]]) -> tuple[Choice, ...]:
    final = [one for one in reports if one.get("status") in ("final", "amended", "corrected")]
    final.sort(key=lambda one: str(one.get("issued") or one.get("effectiveDateTime") or ""), reverse=True)
    found = []
    for one in final[:_RESULTS]:
        day = str(one.get("effectiveDateTime") or one.get("issued") or "")[:10]
        found.append(Choice(reference=f"DiagnosticReport/{one['id']}", says=f"{_says(one) or 'Report'}, {day}"))
    return tuple(found)


def _coverages(found: Any) -> tuple[Choice, ...]:
    choices = []
    for one in found:
        payer = next((str(named.get("display", "")) for named in one.get("payor", ()) if named.get("display")), "")
        says = payer or words.text_of(one.get("type")) or "Insurance on record"
        choices.append(Choice(reference=f"Coverage/{one['id']}", says=says))
    return tuple(choices)


def _clinicians(tx: Transaction, principal: Principal, teams: Sequence[Mapping[str, Any]]) -> tuple[Choice, ...]:
    """Who can ask: the person who writes it if a physician, those of the care team, then the other physicians."""
    team = {
        str((member.get("member") or {}).get("reference", ""))
        for one in teams
        if one.get("status", "active") == "active"
        for member in one.get("participant", ())
    }
    physicians = [one for one in accounts.staff(tx) if one.active and Role.PHYSICIAN in one.roles]

    def place(one: accounts.StaffMember) -> tuple[bool, bool, str]:
        return one.reference != principal.reference, one.reference not in team, one.name

    return tuple(Choice(reference=one.reference, says=one.name) for one in sorted(physicians, key=place))
