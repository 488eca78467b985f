"""The two-minute brief of a person: what matters, what is unsafe, what changed since the reader last looked, what is
promised, what to ask; each line with a way to its source (issue 5, item 6).

What is found is decided here from the record, the loops and the tables beside them; what is said, in which order and
how much of it, is content (`content/briefs/brief.yaml`, `longitudinal.rules.brief`). One audited read; a look is kept
for each reader, so that the next brief counts from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, PrincipalKind
from careloop.access.policy import Action, require_action
from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.flows import brief_gaps as gaps
from careloop.flows import brief_work as work
from careloop.flows import contradictions, engine, monitoring, people
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.brief_facts import Since, facts_found
from careloop.flows.contradiction_values import Waiting
from careloop.flows.patient_facts import CHART_TYPES, Chart, chart_of
from careloop.flows.patient_values import Header
from careloop.flows.review_marks import SAFETY_TABLES, all_reviewed
from careloop.flows.timeline import instant_of
from careloop.longitudinal import longitudinal_of, looks
from careloop.longitudinal.brief_content import brief_rules_of
from careloop.longitudinal.brief_model import Brief, BriefRules, Finding
from careloop.longitudinal.rules.brief import compose
from careloop.loops import store as loop_store
from careloop.loops.rules.critical import Verdict, judge
from careloop.loops.rules.result_tables import tables_of
from careloop.record import Stored

_BESIDE = ("Appointment", "CarePlan", "QuestionnaireResponse", "RelatedPerson")


@dataclass(frozen=True, kw_only=True)
class BriefPage:
    """The brief with what stands around it. `first`: the reader never looked before, so it counts from the last contact
    (`since_contact`), or from some days ago. `reviewed`: a clinician of the site signed what safety lines rest on."""

    header: Header
    contradictions: tuple[Waiting, ...]
    brief: Brief
    rules: BriefRules
    since: datetime
    first: bool
    since_contact: bool
    reviewed: bool


def note_look(app: App, tx: Transaction, principal: Principal, patient_id: str) -> datetime | None:
    """The principal looks at the chart now; when they looked before. Only people look."""
    if principal.kind != PrincipalKind.USER:
        return None
    same = timedelta(minutes=brief_rules_of(engine.catalog_for(app, tx)).same_look_minutes)
    return looks.note(tx, principal.reference, patient_id, app.clock.now(), same)


def page(app: App, tx: Transaction, principal: Principal, patient_id: str, *, private: bool = True) -> BriefPage:
    """The brief of now for this reader; without what is private where `private` is false, whoever reads. `NotFound` for
    a foreign id and a missing one alike. Audited."""
    require_action(principal, Action.WORKLIST_READ)
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    now = app.clock.now()
    rules = brief_rules_of(engine.catalog_for(app, tx))
    looked = note_look(app, tx, principal, patient_id)
    chart = chart_of(app, tx, patient_id, CHART_TYPES, now)
    contact = _last_contact(chart.by_type.get("Communication", ()), now)
    since = looked or contact or now - timedelta(days=rules.first_days)
    header = reading.header_of(patient, chart.for_header, now.astimezone(people.zone_of(tx)).date())
    reader = _Reader(
        app=app, tx=tx, principal=principal, patient=patient, header=header, chart=chart, rules=rules, since=since
    )
    brief = compose(rules, reader.findings(), now, private=private and _sees_private(principal, rules))
    _audit(tx, principal, patient_id, brief)
    return BriefPage(
        header=header,
        contradictions=tuple(contradictions.of_patient(app, tx, patient_id)),
        brief=brief,
        rules=rules,
        since=since,
        first=looked is None,
        since_contact=looked is None and contact is not None,
        reviewed=_is_reviewed(engine.catalog_for(app, tx)),
    )


def _is_reviewed(catalog: Catalog) -> bool:
    """Everything that a line of safety is decided by."""
    return (
        all_reviewed(catalog, "results", ("critical-values",))
        and all_reviewed(catalog, "monitoring", ("thresholds",))
        and all_reviewed(catalog, "medications", SAFETY_TABLES)
    )


def _sees_private(principal: Principal, rules: BriefRules) -> bool:
    return bool({role.value for role in principal.roles} & rules.private_roles)


def _audit(tx: Transaction, principal: Principal, patient_id: str, brief: Brief) -> None:
    """Which versions the reader was shown."""
    shown = [link.reference for part in brief.parts for line in part.lines for link in line.links if link.reference]
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="R",
            subtype="read",
            resource_ids=[one.split("/_history/")[0] for one in dict.fromkeys(shown)],
            patient_ids=[patient_id],
            detail="two-minute brief",
        ),
    )


def _last_contact(messages: Sequence[Mapping[str, Any]], now: datetime) -> datetime | None:
    """When anybody last spoke with the patient or wrote to them and was answered."""
    times = [
        at
        for one in messages
        if one.get("status") == "completed" and (at := instant_of(one.get("sent"))) is not None and at <= now
    ]
    return max(times, default=None)


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Everything that findings are read from, once."""

    app: App
    tx: Transaction
    principal: Principal
    patient: Mapping[str, Any]
    header: Header
    chart: Chart
    rules: BriefRules
    since: datetime

    def findings(self) -> Iterator[Finding]:
        """Everything that may be worth a line, each with a whole address."""
        here = f"/patients/{self.patient['id']}"
        for one in self._found():
            yield one if one.href.startswith("/") else replace(one, href=f"{here}/{one.href}".rstrip("/"))

    def _found(self) -> Iterator[Finding]:
        app, tx, chart, patient_id = self.app, self.tx, self.chart, str(self.patient["id"])
        zone, content = people.zone_of(tx), longitudinal_of(app.catalog)
        beside: dict[str, list[Stored]] = {}
        for one in app.record.of_patient(tx, patient_id, _BESIDE):
            beside.setdefault(one.resource_type, []).append(one)
        desk = work.Desk(
            catalog=engine.catalog_for(app, tx),
            names=people.Names(tx),
            me=self.principal.reference,
            since=self.since,
            now=chart.now,
            zone=zone,
            soon=timedelta(days=self.rules.soon_days),
        )
        loops = loop_store.load_loops(tx, patients=[patient_id])
        yield from self._person(beside)
        yield from gaps.alerts_found(tx, patient_id, monitoring.content_of(app, tx).names)
        yield from gaps.medicines_found(app, tx, patient_id, loops)
        yield from facts_found(
            chart,
            content,
            Since(
                since=self.since,
                old=timedelta(days=self.rules.old_days),
                now=chart.now,
                zone=zone,
                reader=self.principal.name,
                is_critical=self._is_critical,
            ),
        )
        yield from work.loops_found(loops, desk)
        yield from work.contacts_found(chart.by_type.get("Communication", ()), desk, patient_id)
        yield from work.visits_found(beside.get("Appointment", ()), desk)
        yield from gaps.contradictions_found(app, tx, patient_id)
        yield from gaps.plans_found(app, tx, patient_id, beside.get("CarePlan", ()))
        yield from gaps.assessments_found(app, tx, patient_id, beside.get("QuestionnaireResponse", ()), desk)

    def _is_critical(self, result: Mapping[str, Any]) -> bool:
        table = tables_of(engine.catalog_for(self.app, self.tx).documents("results")).critical
        return judge(result, table, self.header.birth_date).verdict is Verdict.CRITICAL

    def _person(self, beside: Mapping[str, Sequence[Stored]]) -> Iterator[Finding]:
        zone = people.zone_of(self.tx)
        words = [
            (line.name, line.detail, f"Goal/{goal['id']}")
            for goal in self.chart.by_type.get("Goal", ())
            for line in reading.goals_of([goal], zone)
        ]
        helped = bool(beside.get("RelatedPerson")) or bool(self.patient.get("contact"))
        yield from gaps.person_found(self.header, words, helped)
        yield from gaps.wishes_found(self.chart)
        yield from gaps.needs_found(self.chart)
