"""One referral as its page shows it: question and answer, how it came here, what can be said next, who does what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import NotFound, NotPermitted
from careloop.flows import people, referral_answers, referral_form, referral_rows, reminding
from careloop.flows.app import App
from careloop.flows.referral_desk import open_desk
from careloop.flows.referral_items import recorded
from careloop.flows.referral_resources import put
from careloop.flows.referring import authorization_of
from careloop.flows.timeline import instant_of
from careloop.flows.writing import write
from careloop.loops import referrals
from careloop.loops.referrals import ClinicRecord, ReferralRow
from careloop.loops.rules.referrals import Tables, words
from careloop.loops.rules.referrals.clocks import authorization_problem, is_late_scheduled
from careloop.loops.rules.referrals.completeness import missing_items
from careloop.loops.rules.referrals.content import Named
from careloop.loops.rules.referrals.reports import pending_words
from careloop.loops.rules.referrals.story import Story

_DOCUMENTS = ("DocumentReference", "DiagnosticReport")
_CANDIDATES = 8


@dataclass(frozen=True, kw_only=True)
class Question:
    """What was asked, and what came back."""

    id: str
    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One state that the referral came into."""

    at: datetime
    says: str
    by: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Work:
    """Something that somebody of ours has to do, or did."""

    id: str
    says: str
    owner: str
    due: datetime | None
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class ReportShown:
    """A report, or a document that may be it. `text` where it was told in words; `document_id` to open it."""

    reference: str
    says: str
    document_id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ReferralPage:
    """Everything on the page. `can`: which things can be said now. `reads`: this person may read the report."""

    story: Story
    row: ReferralRow
    patient_name: str
    language: str
    requester: str
    role: str
    questions: tuple[Question, ...]
    steps: tuple[Step, ...]
    missing: tuple[Named, ...]
    can: Mapping[str, bool]
    work: tuple[Work, ...]
    reports: tuple[ReportShown, ...]
    candidates: tuple[ReportShown, ...]
    warnings: tuple[str, ...]
    others: Sequence[ClinicRecord]
    record: ClinicRecord | None
    way: str
    suggest_other: bool
    reads: bool
    agreement: Mapping[str, Any]
    outcomes: tuple[str, ...]
    tables: Tables


def page(app: App, tx: Transaction, principal: Principal, request_id: str) -> ReferralPage:
    """The page of one referral; `NotFound` where there is none. The read is in the trail."""
    require_action(principal, Action.WORKLIST_READ)
    app.record.read(tx, principal, "ServiceRequest", request_id)
    story = referral_rows.load(app, tx, [request_id]).get(request_id)
    if story is None:
        raise NotFound("there is no such referral")
    tables, names, now = referral_rows.tables_of(app), people.Names(tx), app.clock.now()
    patient = people.patients_shown(app, tx, [story.patient_id], now, people.zone_of(tx))[story.patient_id]
    task = story.task or {}
    asked = recorded(app, tx, story.request, story.task)
    clinics = referral_form.clinics(app, tx, principal) if story.is_open else []
    return ReferralPage(
        story=story,
        row=referral_rows.row_of(app, tx, story),
        patient_name=patient.name,
        language=patient.language,
        requester=_name(story.request.get("requester"), names),
        role=next((role.title for role in tables.roles if role.id == asked.role), ""),
        questions=_questions(story),
        steps=_steps(tables, story, names),
        missing=missing_items(tables, asked) if story.sent is None and story.is_open else (),
        can=referral_answers.possible(tables, story.state.id) if story.is_open else {},
        work=_work(app, tx, story, names),
        reports=tuple(_report(one) for one in story.reports),
        candidates=_candidates(app, tx, story) if story.is_open else (),
        warnings=_warnings(story),
        others=[one for one in clinics if one.clinic != story.clinic],
        record=next((one for one in clinics if one.clinic == story.clinic and one.asked), None),
        way=reminding.WAYS[reminding.usual_way(app, tx, story)][1] if _awaited(story) else "",
        suggest_other=reminding.another_is_due(app, story),
        reads=_may_read(principal, story),
        agreement=words.inner(words.extension(task, words.AGREEMENT)),
        outcomes=_outcomes(task),
        tables=tables,
    )


def _awaited(story: Story) -> bool:
    return story.state.column in referrals.AWAITING and bool(story.clinic or story.clinic_name)


def _may_read(principal: Principal, story: Story) -> bool:
    from_asker = str((story.request.get("requester") or {}).get("reference", "")) == principal.reference
    return from_asker or Role.PHYSICIAN in principal.roles


def _name(reference: Mapping[str, Any] | None, names: people.Names) -> str:
    named = reference or {}
    return str(named.get("display") or names.name(str(named.get("reference", ""))))


def _questions(story: Story) -> tuple[Question, ...]:
    task = story.task or {}
    answers: dict[str, list[str]] = {}
    for one in task.get("output", ()):
        if words.kind_of(one) == "answer" and "valueString" in one:
            tied = str(words.value_of(words.extension(one, words.ANSWERS)) or "question-1")
            answers.setdefault(tied, []).append(str(one["valueString"]))
    asked = [
        (str(one.get("id", "")), str(one.get("valueString", "")))
        for one in task.get("input", ())
        if words.kind_of(one) == "question"
    ]
    if not asked:
        asked = [("", str(note.get("text", ""))) for note in story.request.get("note", ())]
    return tuple(Question(id=id_, text=text, answers=tuple(answers.get(id_, ()))) for id_, text in asked)


def _steps(tables: Tables, story: Story, names: people.Names) -> tuple[Step, ...]:
    return tuple(
        Step(at=move.at, says=tables.states[move.state].says, by=names.name(move.by) if move.by else "", why=move.why)
        for move in reversed(story.moves)
    )


def _work(app: App, tx: Transaction, story: Story, names: people.Names) -> tuple[Work, ...]:
    found = []
    for stored in app.record.follow(tx, "Task", [("based-on", f"ServiceRequest/{story.id}")]):
        task = stored.resource
        systems = {coding.get("system") for coding in (task.get("code") or {}).get("coding", ())}
        if words.WORK not in systems:
            continue
        found.append(
            Work(
                id=stored.id,
                says=str(task.get("description", "")),
                owner=names.name(str((task.get("owner") or {}).get("reference", ""))),
                due=instant_of(((task.get("restriction") or {}).get("period") or {}).get("end")),
                is_open=task.get("status") in ("requested", "received", "accepted", "in-progress"),
            )
        )
    return tuple(sorted(found, key=lambda one: (not one.is_open, str(one.due), one.id)))


def _report(resource: Mapping[str, Any]) -> ReportShown:
    is_document = resource["resourceType"] == "DocumentReference"
    day = str(resource.get("date") or resource.get("issued") or "")[:10]
    says = words.text_of(resource.get("type") if is_document else resource.get("code")) or "Report"
    return ReportShown(
        reference=f"{resource['resourceType']}/{resource['id']}",
        says=f"{says}, {day}" if day else says,
        document_id=str(resource["id"]) if is_document else "",
        text="" if is_document else str(resource.get("conclusion", "")),
    )


def _candidates(app: App, tx: Transaction, story: Story) -> tuple[ReportShown, ...]:
    """Documents of the patient that came since the referral and belong to no other."""
    if story.authored is None:
        return ()
    found = [
        stored
        for stored in app.record.of_patient(tx, story.patient_id, _DOCUMENTS)
        if stored.last_updated >= story.authored and not words.requests_of(stored.resource)
    ]
    found.sort(key=lambda stored: stored.last_updated, reverse=True)
    return tuple(_report(stored.resource) for stored in found[:_CANDIDATES])


def _warnings(story: Story) -> tuple[str, ...]:
    """What is wrong with dates and approval, in sentences."""
    found = []
    booked = story.visit_on if story.state.id == "scheduled" else None
    if booked and story.see_by and is_late_scheduled(story.see_by, booked.date()):
        found.append("The visit is booked later than the patient should be seen.")
    if story.state.column == "report" and story.seen is None:
        found.append("Nobody knows when the visit was: say the day, so that waiting times are right.")
    given = authorization_of(story.request)
    problem = authorization_problem(given, story.see_by) if given and story.see_by and story.is_open else ""
    if isinstance(problem, str) and problem:
        found.append(f"{problem[0].upper()}{problem[1:]}.")
    if any(pending_words(_report(one).text) for one in story.reports):
        found.append("The report says that something is still to come.")
    return tuple(found)


def _outcomes(task: Mapping[str, Any]) -> tuple[str, ...]:
    """What became of each recommendation."""
    found = []
    for one in task.get("output", ()):
        if words.kind_of(one) == "recommendation":
            found.append(str((one.get("valueReference") or {}).get("display", "")))
        if words.kind_of(one) == "not-accepted":
            found.append(str(one.get("valueString", "")))
    return tuple(found)


def finish_work(app: App, tx: Transaction, principal: Principal, request_id: str, task_id: str) -> str:
    """The work is done; the sentence to say. `NotFound` where the referral has no such work."""
    desk = open_desk(app, tx, principal, request_id)
    stored = app.record.fetch(tx, [f"Task/{task_id}"]).get(f"Task/{task_id}")
    if stored is None or stored.deleted or request_id not in words.requests_of(stored.resource):
        raise NotFound("there is no such work")
    systems = {coding.get("system") for coding in (stored.resource.get("code") or {}).get("coding", ())}
    if words.WORK not in systems:
        raise NotPermitted("only work about a referral is finished here")
    done = {**stored.resource, "status": "completed", "lastModified": desk.moment.stamp()}
    write(app, tx, principal, [put(done)])
    return "Done."
