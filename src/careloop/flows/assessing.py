"""A form was answered, by whatever door: scores, proposals, requests and pages follow in the same transaction.

Called by the write door for each QuestionnaireResponse. Doing it again with the same form changes nothing: ids are
made of the form, and what people may have worked on since (requests, proposals, goals) is never written twice. Scores
of an amended form are amended; with a newer version of the instrument they are new rows (AS-02).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from careloop.access.model import system_principal
from careloop.assessments import content_of, resources, store
from careloop.assessments.model import Action, Does, Instrument, Need, Score
from careloop.assessments.reading import read_response
from careloop.assessments.rules import actions_of, add_span, needs_of, rescreen_due, score
from careloop.db import Transaction
from careloop.events import ChangeKind
from careloop.flows import assessing_clocks, paging
from careloop.flows.app import App
from careloop.flows.assessing_form import Extraction, WriteDoor, put
from careloop.record import Written

Json = dict[str, Any]
_COMPLETE = frozenset({"completed", "amended"})
_MODE = "urn:careloop:mode"
HELP = "help-"


def note(app: App, tx: Transaction, written: Sequence[Written], door: WriteDoor) -> None:
    """Everything that these forms ask for stands in the record and in loops; `door` is the write door itself."""
    for one in written:
        if one.resource_type != "QuestionnaireResponse" or one.change is ChangeKind.UNCHANGED or one.resource is None:
            continue
        if one.resource.get("status") == "entered-in-error":
            _withdraw(app, tx, one, door)
        elif (found := _begin(app, tx, one, door)) is not None and not _label(found, one.resource):
            _extract(found)


def _begin(app: App, tx: Transaction, one: Written, door: WriteDoor) -> Extraction | None:
    """The form as values; None for one that is about nobody or whose answers are none of ours."""
    resource: Mapping[str, Any] = one.resource or {}
    status = str(resource.get("status", ""))
    if one.patient_id is None or status not in {*_COMPLETE, "in-progress"}:
        return None
    content = content_of(app.catalog)
    read = read_response(resource, content)
    if not read.instruments and not read.by_item and not read.by_loinc:
        return None
    patient = app.record.fetch(tx, [f"Patient/{one.patient_id}"]).get(f"Patient/{one.patient_id}")
    return Extraction(
        app=app,
        tx=tx,
        content=content,
        form=_form(tx, one, resource),
        form_id=one.id,
        patient=patient.resource if patient and not patient.deleted else {},
        read=read,
        complete=status in _COMPLETE,
        now=app.clock.now(),
        door=door,
    )


def _form(tx: Transaction, one: Written, resource: Mapping[str, Any]) -> resources.Form:
    authored = str(resource.get("authored", ""))
    try:
        at = datetime.fromisoformat(authored)
    except ValueError:
        at = one.last_updated
    mode = next((item.get("valueCode", "") for item in resource.get("extension", ()) if item.get("url") == _MODE), "")
    author = resource.get("author") or resource.get("source")
    return resources.Form(
        reference=one.reference,
        versioned=one.versioned_reference,
        patient=f"Patient/{one.patient_id}",
        at=at if at.tzinfo else one.last_updated,
        zone=assessing_clocks.zone_of(tx),
        language=str(resource.get("language", "")),
        author=author if isinstance(author, Mapping) else None,
        mode=mode,
        amended=resource.get("status") == "amended",
        labels=tuple((resource.get("meta") or {}).get("security", ())),
    )


def _is_private(found: Extraction) -> bool:
    """True where something was answered that is asked in private."""
    return any(
        item.private and item.id in answers
        for name, answers in found.read.instruments.items()
        for item in found.content.instruments[name].items
    )


def _label(found: Extraction, resource: Mapping[str, Any]) -> bool:
    """A form that holds private answers carries the label, whoever sent it (AS-09); True where it was written anew,
    which is looked at for itself."""
    labels = (resource.get("meta") or {}).get("security", ())
    if not _is_private(found) or any(one.get("code") == resources.VIOLENCE["code"] for one in labels):
        return False
    labelled = {**resource, "meta": {**resource.get("meta", {}), "security": [*labels, resources.VIOLENCE]}}
    who = system_principal(found.tx.tenant_id, "assessments")
    found.door(found.app, found.tx, who, [put(labelled)], cause="private answers")
    return True


def _extract(found: Extraction) -> None:
    """Scores first, then what they ask for, so that a request can name its evidence."""
    observations: list[Json] = []
    scored: list[tuple[Instrument, Score]] = []
    actions: list[tuple[Instrument, Action]] = []
    for name in sorted(found.read.instruments):
        instrument, answers = _version(found, name), found.read.instruments[name]
        result = score(instrument, answers, sex=str(found.patient.get("gender", "other")))
        scored.append((instrument, result))
        if found.complete and answers:
            observations += _observations(found, instrument, result)
        if not _is_history(found, instrument):
            actions += [(instrument, one) for one in actions_of(instrument, result, answers, complete=found.complete)]
    needs = _needs(found) if found.complete else []
    requests = [*_requests(found, actions), *_need_resources(found, needs, observations), *_own(found)]
    fresh = _new_only(found, requests)
    everything = [*{one["id"]: one for one in observations}.values(), *fresh]
    if everything:
        _write(found, everything, [one for one, _ in scored])
    if found.complete:
        _rescreen(found, scored)
    paging.page_for(found, [one for one in fresh if _is_safety(one)])


def _version(found: Extraction, name: str) -> Instrument:
    """The version of the instrument that the form was made with, if it is still known, else the one of now (AS-02)."""
    told = found.read.versions.get(name)
    return found.content.old.get(f"{name}@{told}") or found.content.instruments[name]


def _is_history(found: Extraction, instrument: Instrument) -> bool:
    return add_span(found.form.at, instrument.fresh) < found.now


def _observations(found: Extraction, instrument: Instrument, result: Score) -> list[Json]:
    answers = found.read.instruments[instrument.id]
    items = [
        resources.item_observation(found.id("item", item.loinc), found.form, item, answers[item.id])
        for item in instrument.items
        if item.loinc and item.id in answers
    ]
    has_result = result.answered > 0 if instrument.method != "none" else result.positive is not None
    if not has_result:
        return items
    members = [f"Observation/{one['id']}" for one in items]
    id_ = found.id("score", instrument.id, instrument.version)
    return [*items, resources.score_observation(id_, found.form, instrument, result, members)]


def _needs(found: Extraction) -> list[Need]:
    if add_span(found.form.at, "30 days") < found.now:
        return []
    return list(needs_of(found.content.needs, found.read.by_loinc, found.read.by_item))


def _requests(found: Extraction, actions: Sequence[tuple[Instrument, Action]]) -> list[Json]:
    """One Task for each action; safety concerns of one form are one, the private ones another."""
    made: dict[str, Json] = {}
    for instrument, one in actions:
        if one.does is Does.ASK and one.ask in found.read.instruments:
            continue
        kind = "private" if one.private else "open"
        key = f"safety {kind}" if one.does is Does.SAFETY else f"{instrument.id} {one.id}"
        due = assessing_clocks.due_at(found, one.due, is_safety=one.does is Does.SAFETY)
        if one.does is Does.ASK:
            asked = found.content.instruments.get(one.ask or "")
            title = f"Ask the {asked.short}" if asked else ""
        else:
            title = ""
        made.setdefault(key, resources.request(found.id("request", key), found.form, one, due, title=title))
    return list(made.values())


def _need_resources(found: Extraction, needs: Sequence[Need], observations: Sequence[Json]) -> list[Json]:
    """For each need a proposal for the clinician; a request where help was not asked for yet or is wanted; a rejected
    one where the patient said no (AS-08). Needs about violence are a safety concern instead (AS-09)."""
    made: list[Json] = []
    for need in needs:
        tells = {key for kind, key, _ in need.answers if kind == "loinc"}
        seen = [
            f"Observation/{one['id']}"
            for one in observations
            if any(coding.get("code") in tells for coding in one["code"].get("coding", ()))
        ]
        if need.icd10:
            made.append(resources.condition_proposal(found.id("need", need.id), found.form, need, seen))
        if need.safety:
            action = Action(
                id=need.id, does=Does.SAFETY, rule="AS-09", says=need.task, due=need.due, private=need.private
            )
            due = assessing_clocks.due_at(found, need.due, is_safety=True)
            made.append(resources.request(found.id("request", "safety private"), found.form, action, due))
        elif need.due != "none":
            due = assessing_clocks.due_at(found, need.due, is_safety=False)
            id_ = found.id("help", need.id)
            made.append(resources.need_request(id_, found.form, need, due, declined=_said(found, need) == "no"))
    wanted = [need.title for need in needs if _said(found, need) == "yes"]
    return [*made, *([resources.consent(found.id("consent"), found.form, wanted)] if wanted else [])]


def _said(found: Extraction, need: Need) -> str:
    """What the patient said when help was offered; empty where nobody asked."""
    answer = found.read.by_item.get(f"{HELP}{need.id}")
    return answer.codes[0] if answer and answer.codes else ""


def _own(found: Extraction) -> list[Json]:
    """What the own questions of check-ins lead to: goals, and lists that are right no more."""
    if not found.complete:
        return []
    made: list[Json] = []
    for checkin in found.content.checkins.values():
        for item in (one for section in checkin.sections for one in section.items):
            answer = found.read.by_item.get(item.id)
            if answer is None:
                continue
            if item.becomes == "goal" and answer.text:
                made.append(resources.goal(found.id("goal", item.id), found.form, answer.text))
            if item.kind == "confirm" and "changed" in answer.codes:
                action = Action(
                    id=item.id, does=Does.FOLLOW_UP, rule="[P]", due="2 business-days",
                    says=f"{item.label}: the patient says that something changed",
                )  # fmt: skip
                due = assessing_clocks.due_at(found, action.due, is_safety=False)
                made.append(resources.request(found.id("changed", item.id), found.form, action, due))
    return made


def _new_only(found: Extraction, made: Sequence[Json]) -> list[Json]:
    """Those that were not written before, each once: people may have worked on the others since."""
    by_reference = {f"{one['resourceType']}/{one['id']}": one for one in reversed(made)}
    known = found.app.record.fetch(found.tx, sorted(by_reference))
    return [one for reference, one in reversed(by_reference.items()) if reference not in known]


def _is_safety(one: Json) -> bool:
    codings = one.get("code", {}).get("coding", ()) if one["resourceType"] == "Task" else ()
    return any(coding.get("code") == "safety-concern" for coding in codings)


def _write(found: Extraction, made: Sequence[Json], instruments: Sequence[Instrument]) -> None:
    """All of it, and a Provenance that names the version of the form (AS-01)."""
    who = system_principal(found.tx.tenant_id, "assessments")
    written = found.door(found.app, found.tx, who, [put(one) for one in made], cause=found.form.versioned)
    targets = [one.versioned_reference for one in written if one.change is not ChangeKind.UNCHANGED]
    if targets:
        version = found.form.versioned.rpartition("/")[2]
        note_ = resources.provenance(found.id("provenance", version), found.form, targets, instruments)
        found.door(found.app, found.tx, who, [put(note_)], cause=found.form.versioned)


def _rescreen(found: Extraction, scored: Sequence[tuple[Instrument, Score]]) -> None:
    """When to ask again (AS-10)."""
    patient_id = found.form.patient.partition("/")[2]
    for instrument, result in scored:
        if not instrument.rescreen or (result.total is None and instrument.method != "none"):
            continue
        earlier = _earlier(found, instrument)
        again = rescreen_due(instrument, result.total, earlier, found.form.at)
        if again is None:
            store.forget_due(found.tx, patient_id, instrument.id, found.form.at)
            continue
        due = store.Due(
            patient_id=patient_id, instrument=instrument.id, last_at=found.form.at, due=again[0],
            rule=again[1].rule, says=again[1].says,
        )  # fmt: skip
        store.note_due(found.tx, due)


def _earlier(found: Extraction, instrument: Instrument) -> list[Any]:
    """Totals of the instrument before this form."""
    if not any(one.was_positive for one in instrument.rescreen):
        return []
    mine = found.app.record.of_patient(found.tx, found.form.patient.partition("/")[2], ("Observation",))
    scores = [one.resource for one in mine if f'"{resources.SCORE}"' in one.text and f'"{instrument.id}"' in one.text]
    return [
        one["valueQuantity"]["value"]
        for one in scores
        if "valueQuantity" in one and datetime.fromisoformat(one["effectiveDateTime"]) < found.form.at
    ]


def _withdraw(app: App, tx: Transaction, one: Written, door: WriteDoor) -> None:
    """The form was a mistake: so is everything that followed from it."""
    if one.patient_id is None:
        return
    derived = [
        stored
        for stored in app.record.of_patient(tx, one.patient_id, ("Observation", "Task", "Condition"))
        if one.reference in stored.text and not stored.deleted
    ]
    changed = [made for stored in derived if (made := _mistake(stored.resource, one.reference)) is not None]
    if changed:
        who = system_principal(tx.tenant_id, "assessments")
        door(app, tx, who, [put(made) for made in changed], cause=one.versioned_reference)


def _mistake(resource: Mapping[str, Any], form: str) -> Json | None:
    """The resource as a mistake; None where it does not follow from the form or is one of the engine's own."""
    kind = resource["resourceType"]
    if kind == "Observation" and {"reference": form} in resource.get("derivedFrom", ()):
        return {**resource, "status": "entered-in-error"}
    opens = [coding.get("system") for coding in (resource.get("code") or {}).get("coding", ())]
    if kind == "Task" and resources.OPEN in opens and (resource.get("focus") or {}).get("reference") == form:
        return {**resource, "status": "cancelled"}
    evidence = [detail for one in resource.get("evidence", ()) for detail in one.get("detail", ())]
    if kind == "Condition" and {"reference": form} in evidence:
        wrong = {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "entered-in-error"}
        rest = {name: value for name, value in resource.items() if name != "clinicalStatus"}
        return {**rest, "verificationStatus": {"coding": [wrong]}}
    return None


def born_of(patient: Mapping[str, Any]) -> date | None:
    """The birth date, where the whole of it is known."""
    try:
        return date.fromisoformat(str(patient.get("birthDate", "")))
    except ValueError:
        return None
