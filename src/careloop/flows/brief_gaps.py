"""What stands about a person and what is not known: findings of a brief that time has no part in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from careloop.assessments import content_of
from careloop.assessments import store as assessments
from careloop.careplans.resources import is_shared
from careloop.db import Transaction
from careloop.flows import contradictions, medicine_compare, medicine_safety, plan_desk
from careloop.flows.app import App
from careloop.flows.brief_words import day_words, is_private
from careloop.flows.brief_work import Desk
from careloop.flows.patient_facts import Chart
from careloop.flows.patient_sections import needs_of
from careloop.flows.patient_values import Header
from careloop.flows.timeline import text_of
from careloop.longitudinal import Matter
from careloop.longitudinal.brief_model import Finding
from careloop.longitudinal.rules.paths import walk
from careloop.longitudinal.rules.saying import name_of, status_of, value_of
from careloop.loops.store import StoredLoop
from careloop.medications import reconciliations
from careloop.medications.store import FINDING, OPEN
from careloop.monitoring import store as monitoring
from careloop.record import Stored

Resource = Mapping[str, Any]
_WISHES = frozenset({"304251008", "304252001", "304253006", "75787-2", "75320-2", "81351-9", "78823-2"})
"""Codes of resuscitation status and advance directives, as in content/contradictions."""
_DIRECTIVES = frozenset({"acd", "dnr", "emrgonly", "hcd", "npp", "polst", "304251008", "304252001", "304253006"})
_SHOWN = 6


def person_found(header: Header, own_words: Sequence[tuple[str, str, str]], has_caregiver: bool) -> Iterator[Finding]:
    """What matters, allergies, risk, and what nobody asked yet. `own_words`: text, since, reference."""
    for text, since, reference in own_words:
        yield Finding(
            kind="matters", words={"name": text, "since": since}, href="", source=since or "goal", reference=reference
        )
    for name in header.allergies or ():
        yield Finding(kind="allergy", words={"name": name}, href="record#allergies", source="allergy list")
    if header.risk.lower().startswith("high"):
        words = {"name": header.risk, "why": header.risk_why, "level": "high"}
        yield Finding(kind="risk", words=words, href="record", source="score")
    gaps = {
        "allergies": header.allergies is None,
        "matters": not own_words,
        "phone": not header.phone,
        "language": not header.language,
        "caregiver": not has_caregiver,
    }
    pages = {"allergies": "record#allergies", "matters": "plan"}
    for what, is_gap in gaps.items():
        if is_gap:
            yield Finding(kind="missing", words={"what": what}, href=pages.get(what, "contacts"), source="not known")


def wishes_found(chart: Chart) -> Iterator[Finding]:
    """Wishes for an emergency and for the end of life that stand."""
    for matter in chart.once("wishes", lambda: [one for one in chart.matters if _is_wish(one)]):
        resource = matter.shown.resource
        yield _of_fact("wish", matter, {"name": _wish(resource), "value": value_of(resource)})


def _is_wish(matter: Matter) -> bool:
    resource = matter.shown.resource
    if matter.shown.type == "Observation":
        return bool(_WISHES & {str(one) for one in walk(resource, "code.coding.code")})
    if matter.shown.type != "Consent" or resource.get("status") != "active":
        return False
    return bool(_DIRECTIVES & {str(one).lower() for one in walk(resource, "category.coding.code")})


def _wish(resource: Resource) -> str:
    if resource["resourceType"] == "Consent":
        words = [text_of(one) for one in (*resource.get("category", ()), resource.get("scope"))]
        return next((one for one in words if one), "Advance directive")
    return name_of(resource)


def needs_found(chart: Chart) -> Iterator[Finding]:
    """Needs that are open."""
    for matter in needs_of(chart):
        words = {"name": name_of(matter.shown.resource), "state": status_of(matter.shown.resource)}
        yield _of_fact("need", matter, words)


def _of_fact(kind: str, matter: Matter, words: Mapping[str, str]) -> Finding:
    fact = matter.shown
    source = fact.sources[0].name
    return Finding(
        kind=kind,
        words=words,
        href=f"facts/{fact.type}/{fact.id}",
        source=source,
        reference=f"{fact.reference}/_history/{fact.version}",
        private=is_private(fact.resource),
    )


def alerts_found(tx: Transaction, patient_id: str, names: Mapping[str, str]) -> Iterator[Finding]:
    """Alerts from home that are open; `names` by alert."""
    for row in monitoring.rows_of(tx, "alerts", patients=[patient_id]):
        if row["state"] == "open":
            yield Finding(
                kind="alert",
                words={"name": names.get(row["alert"], row["alert"]), "says": row["says"], "tier": row["tier"]},
                href=f"/monitoring/alerts/{row['id']}",
                source="alert",
                reference=f"DetectedIssue/{row['id']}",
                at=row["since"],
            )


def medicines_found(app: App, tx: Transaction, patient_id: str, loops: Sequence[StoredLoop]) -> Iterator[Finding]:
    """What the safety rules say and nobody decided; what could not be checked; lists that differ while a comparison is
    asked for (`medicine_differences` asks for one wherever they do)."""
    unchecked = 0
    for one in medicine_safety.findings_of(app, tx, patient_id):
        if one.kind != FINDING:
            unchecked += one.state == OPEN
            continue
        medicines = " with ".join(str(name) for name in one.body.get("medicines", ())) or "medicines"
        yield Finding(
            kind="medicine-finding",
            words={"name": medicines, "says": str(one.body.get("says", "")), "tier": one.tier, "state": one.state},
            href="medicines",
            source="medicines",
            reference=f"DetectedIssue/{one.id}",
        )
    if unchecked:
        yield Finding(
            kind="medicine-not-checked", words={"count": str(unchecked)}, href="medicines", source="medicines"
        )
    asked = [one for one in loops if one.state.status.is_open and one.state.pathway == medicine_compare.PATHWAY]
    if asked or reconciliations.open_draft(tx, patient_id) is not None:
        found = medicine_compare.compared(app, tx, patient_id, reconciliations.open_draft(tx, patient_id)).comparison
        names = [row.name for row in found.differing] if len(found.sides) > 1 else []
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield Finding(
                kind="medicine-difference",
                words={"count": str(len(names)), "name": ", ".join(names[:_SHOWN]) + more},
                href="medicines/compare",
                source="compare",
            )


def plans_found(app: App, tx: Transaction, patient_id: str, plans: Sequence[Stored]) -> Iterator[Finding]:
    """Where the shared plan stands, and what of it a clinician has to decide."""
    if not any(is_shared(one.resource) for one in plans):
        return
    desk = plan_desk.open_desk(app, tx, patient_id)
    if not desk.version:
        return
    reference = f"CarePlan/{desk.plan.id}/_history/{desk.version}"
    words = {"state": desk.state.value, "count": str(len(desk.plan.open_conflicts))}
    yield Finding(kind="plan", words=words, href="plan", source="plan", reference=reference)
    for one in desk.plan.open_conflicts:
        yield Finding(
            kind="plan-conflict",
            words={"name": one.title, "says": ", or ".join(side.says for side in one.sides)},
            href="plan",
            source="plan",
            reference=reference,
        )


def contradictions_found(app: App, tx: Transaction, patient_id: str) -> Iterator[Finding]:
    """Where sources cannot both be right, and nobody settled it."""
    for one in contradictions.of_patient(app, tx, patient_id):
        if one.state == "open":
            yield Finding(
                kind="contradiction",
                words={"name": one.title, "says": one.says, "ask": one.ask, "severity": one.severity},
                href=f"/contradictions/{one.id}",
                source="settle it",
                reference=one.left[0].reference if one.left else "",
                at=one.opened,
            )


def assessments_found(
    app: App, tx: Transaction, patient_id: str, responses: Sequence[Stored], desk: Desk
) -> Iterator[Finding]:
    """Instruments that are due again, and check-ins that were begun and not finished."""
    content = content_of(app.catalog)
    for one in assessments.due_of(tx, patient_id):
        if one.instrument in content.instruments and one.due <= desk.now + desk.soon:
            short = content.instruments[one.instrument].short
            says = f"last one {day_words(one.last_at, desk.zone)}"
            words = {"name": short, "state": "is due", "says": says}
            yield Finding(kind="assessment", words=words, href="assessments", source="assessments")
    for stored in responses:
        resource = stored.resource
        if resource.get("status") == "in-progress":
            name = str(resource.get("questionnaire", "")).partition("|")[0].rpartition(":")[2]
            form = content.checkins.get(name) or content.instruments.get(name)
            words = {"name": form.title if form else "Check-in", "state": "was begun and not finished", "says": ""}
            yield Finding(
                kind="assessment",
                words=words,
                href="assessments",
                source="assessments",
                reference=f"{stored.reference}/_history/{stored.version}",
                private=is_private(resource),
            )
