"""Made-up proof: FHIR resources that satisfy a condition of a pathway, made from the condition itself.

What opens a matter, proves its steps or ends it is read from content, so that a new pathway is lived through by every
simulation without a line here. What cannot be made from a condition (a negation, a word nobody knows) is made as near
as it goes: whether it held is for the engine to say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from careloop.bench.made_up_parts import About, Condition, Resource, alert_state, answered, branch, filled, reached
from careloop.loops.facts.reading import resource_type_of
from careloop.loops.rules.referrals.content import Tables
from careloop.loops.rules.referrals.states import STATE, stage

_PATIENT_SIDE = ("Patient", "RelatedPerson")
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_GAP_STATUS = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-gapStatus"
_REASON = "urn:careloop:missed-visit"
_REASONS = {"patient": "ride", "practice": "practice", "nobody": "mistake", "unknown": ""}
"""Codes of content/scheduling for a visit that was missed, by whose side it was."""
_SENT_WITHOUT_ANSWER = ("no-answer", "left-message", "wrong-number")


@dataclass
class Maker:
    """Makes resources of one run. `people` are references of the staff by role; `new_id` gives ids that nothing has."""

    random: Random
    people: Mapping[str, Sequence[str]]
    new_id: Callable[[str], str]
    tables: Tables

    def make(self, condition: Condition, about: About) -> Resource | None:
        """A resource that satisfies the condition as far as it can be made; None where it cannot."""
        wanted = branch(condition, self.random)
        if wanted.get("itself"):
            return self._moved(wanted, about)
        build = _BUILDERS.get(wanted.get("resource", ""))
        return filled(build(self, wanted, about)) if build else None

    def _one(self, wanted: Condition, name: str, otherwise: str) -> str:
        return str(self.random.choice(wanted[name])) if wanted.get(name) else otherwise

    def _coded(self, wanted: Condition, name: str, otherwise: str) -> Resource:
        system, _, code = self._one(wanted, name, otherwise).rpartition("|")
        return {"coding": [{"system": system, "code": code}]}

    def _somebody(self, wanted: Condition) -> Resource:
        """A member of the staff of one of the roles that are asked for, if there is one."""
        fitting = [one for role in wanted.get("performed_by", ()) for one in self.people.get(role, ())]
        everybody = sorted({one for some in self.people.values() for one in some})
        return {"reference": self.random.choice(fitting or everybody)}

    def _moved(self, wanted: Condition, about: About) -> Resource | None:
        """The matter itself, as the condition wants it."""
        if about.itself is None or about.itself["resourceType"] != resource_type_of(wanted["resource"]):
            return None
        found = {name: value for name, value in about.itself.items() if name != "meta"}
        found["status"] = self._one(wanted, "status", str(found.get("status", "")))
        if found["resourceType"] == "Task":
            found["lastModified"] = about.at.isoformat()
        keys = wanted.get("key", {})
        if "closed" in keys.get("gap", ()):
            closed = {"coding": [{"code": "closed-gap"}]}
            found["modifierExtension"] = [{"url": _GAP_STATUS, "valueCodeableConcept": closed}]
        if "alert" in keys:
            found |= alert_state(self.random.choice(keys["alert"]))
        if "why" in keys or "side" in keys:
            side = self.random.choice(keys.get("side", ["patient"]))
            found["cancelationReason"] = {"coding": [{"system": _REASON, "code": _REASONS[side] or "other"}]}
        return found

    def _communication(self, wanted: Condition, about: About) -> Resource:
        found = self._said(wanted, about)
        keys = wanted.get("key", {})
        from_patient = any(one in _PATIENT_SIDE for one in wanted.get("from", ()))
        if from_patient:
            words = "I have chest pain" if "yes" in keys.get("warning", ()) else "Can I get my refill?"
            found |= {"sender": about.whose, "recipient": [self._somebody({})], "payload": [{"contentString": words}]}
            del found["category"]
        elif wanted.get("contact") or wanted.get("to_patient") or "told" in keys:
            found |= {"recipient": [about.whose], "medium": [{"coding": [{"code": "PHONE"}]}]}
        if "yes" in keys.get("reply", ()):
            found["inResponseTo"] = about.tied
        if "yes" in keys.get("closes", ()):
            found["note"] = [{"text": "decided with the patient"}]
        if wanted.get("contact") == "attempt":
            outcome = self.random.choice(_SENT_WITHOUT_ANSWER)
            reason = {"coding": [{"system": "urn:careloop:contact-outcome", "code": outcome}]}
            found |= {"status": "not-done", "statusReason": reason}
        return found

    def _said(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "Communication",
            "id": self.new_id("com"),
            "status": self._one(wanted, "status", "completed"),
            "category": [self._coded(wanted, "category", "urn:careloop:communication|outreach")],
            "subject": about.whose,
            "sender": self._somebody(wanted),
            "about": about.tied,
            "sent": about.at.isoformat(),
        }

    def _encounter(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "Encounter",
            "id": self.new_id("visit"),
            "status": self._one(wanted, "status", "finished"),
            "class": {"system": _ACT_CODE, "code": self._one(wanted, "class", "AMB")},
            "subject": about.whose,
            "basedOn": about.tied,
            "period": {"start": about.at.isoformat(), "end": about.at.isoformat()},
            "participant": [{"individual": self._somebody(wanted)}],
        }

    def _procedure(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "Procedure",
            "id": self.new_id("proc"),
            "status": self._one(wanted, "status", "completed"),
            "code": self._coded(wanted, "code", "http://snomed.info/sct|430193006"),
            "subject": about.whose,
            "basedOn": about.tied,
            "performedDateTime": about.at.isoformat(),
        }

    def _document(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "DocumentReference",
            "id": self.new_id("doc"),
            "status": self._one(wanted, "status", "current"),
            "type": self._coded(wanted, "code", "http://loinc.org|11488-4"),
            "subject": about.whose,
            "date": about.at.isoformat(),
            "content": [{"attachment": {"contentType": "text/plain", "data": "dGV4dA=="}}],
            "context": {"related": about.tied},
        }

    def _order(self, wanted: Condition, about: About) -> Resource:
        found: Resource = {
            "resourceType": "ServiceRequest",
            "id": self.new_id("sr"),
            "status": self._one(wanted, "status", "active"),
            "intent": self._one(wanted, "intent", "order"),
            "priority": self.random.choice(["routine", "urgent"]),
            "code": {"text": "what was asked for"},
            "subject": about.whose,
            "authoredOn": about.at.isoformat(),
            "requester": self._somebody({}),
            "supportingInfo": about.tied,
        }
        if "code" in wanted:
            found["code"] = self._coded(wanted, "code", "")
        return found | ({"category": [self._coded(wanted, "category", "")]} if "category" in wanted else {})

    def _appointment(self, wanted: Condition, about: About) -> Resource:
        """A visit that was, or that is booked for a later day."""
        ahead = timedelta(days=self.random.randint(1, 20)) if wanted["resource"] == "Booking" else timedelta()
        start = about.at + ahead
        found: Resource = {
            "resourceType": "Appointment",
            "id": self.new_id("appt"),
            "status": self._one(wanted, "status", "booked"),
            "created": (about.at - timedelta(0 if ahead else 5)).isoformat(),
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "supportingInformation": about.tied,
            "participant": [{"actor": about.whose, "status": "accepted"}],
        }
        if code := _REASONS[self.random.choice(wanted.get("key", {}).get("side", ["unknown"]))]:
            found["cancelationReason"] = {"coding": [{"system": _REASON, "code": code}]}
        return found

    def _consent(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "Consent",
            "id": self.new_id("consent"),
            "status": self._one(wanted, "status", "active"),
            "scope": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]
            },
            "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
            "patient": about.whose,
            "dateTime": about.at.isoformat(),
            "provision": {"type": self._one(wanted.get("key", {}), "decision", "permit")},
        }

    def _plan(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "CarePlan",
            "id": self.new_id("careplan"),
            "status": self._one(wanted, "status", "active"),
            "intent": self._one(wanted, "intent", "plan"),
            "subject": about.whose,
            "created": about.at.isoformat(),
            "supportingInfo": about.tied,
        }

    def _team(self, wanted: Condition, about: About) -> Resource:
        """A team whose coordinator is one of the staff: who it names leads from then on."""
        role = {"coding": [{"system": "urn:careloop:role", "code": "coordinator"}]}
        member = self._somebody({"performed_by": ["coordinator"]})
        return {
            "resourceType": "CareTeam",
            "id": self.new_id("team"),
            "status": self._one(wanted, "status", "active"),
            "subject": about.whose,
            "period": {"start": about.at.isoformat()},
            "participant": [{"role": [role], "member": member}],
        }

    def _form(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "QuestionnaireResponse",
            "id": self.new_id("form"),
            "status": self._one(wanted, "status", "completed"),
            "questionnaire": "urn:careloop:made-up-form",
            "subject": about.whose,
            "author": about.whose,
            "basedOn": about.tied,
            "authored": about.at.isoformat(),
        }

    def _measured(self, wanted: Condition, about: About) -> Resource:
        needs = about.words.get(wanted.get("same_key", {}).get("score", ""), "")
        code = f"urn:careloop:score|{needs}" if needs else "http://loinc.org|8302-2"
        return {
            "resourceType": "Observation",
            "id": self.new_id("obs"),
            "status": self._one(wanted, "status", "final"),
            "code": self._coded(wanted, "code", code),
            "subject": about.whose,
            "basedOn": about.tied,
            "issued": about.at.isoformat(),
            "effectiveDateTime": about.at.isoformat(),
            "valueQuantity": {"value": self.random.randint(1, 27)},
        }

    def _report(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "DiagnosticReport",
            "id": self.new_id("report"),
            "status": self._one(wanted, "status", "final"),
            "code": {"text": "report"},
            "subject": about.whose,
            "basedOn": about.tied,
            "effectiveDateTime": about.at.isoformat(),
            "issued": about.at.isoformat(),
        }

    def _specimen(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "Specimen",
            "id": self.new_id("spec"),
            "status": self._one(wanted, "status", "available"),
            "subject": about.whose,
            "request": about.tied,
            "collection": {"collectedDateTime": about.at.isoformat()},
        }

    def _study(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "ImagingStudy",
            "id": self.new_id("study"),
            "status": self._one(wanted, "status", "available"),
            "subject": about.whose,
            "basedOn": about.tied,
            "started": about.at.isoformat(),
        }

    def _flag(self, wanted: Condition, about: About) -> Resource:
        return {
            "resourceType": "Flag",
            "id": self.new_id("flag"),
            "status": self._one(wanted, "status", "active"),
            "code": self._coded(wanted, "code", ""),
            "subject": about.whose,
            "period": {"start": about.at.isoformat()},
        }

    def _issue(self, wanted: Condition, about: About) -> Resource:
        found: Resource = {
            "resourceType": "DetectedIssue",
            "id": self.new_id("issue"),
            "status": self._one(wanted, "status", "preliminary"),
            "code": self._coded(wanted, "code", "urn:careloop:alert|weight"),
            "severity": self.random.choice(["high", "moderate", "low"]),
            "patient": about.whose,
            "identifiedDateTime": about.at.isoformat(),
        }
        return found | (alert_state(wanted["key"]["alert"][0]) if "alert" in wanted.get("key", {}) else {})

    def _task(self, wanted: Condition, about: About) -> Resource:
        keys = wanted.get("key", {})
        if "stage" in keys or "referral" in keys:
            return self._fulfilment(keys, about)
        found: Resource = {
            "resourceType": "Task",
            "id": self.new_id("task"),
            "status": self._one(wanted, "status", "requested"),
            "intent": "order",
            "priority": self.random.choice(["routine", "urgent", "asap", "stat"]),
            "code": self._coded(wanted, "code", "urn:careloop:made-up|work"),
            "for": about.whose,
            "authoredOn": about.at.isoformat(),
            "lastModified": about.at.isoformat(),
        }
        if about.focus:
            found["focus"] = {"reference": about.focus}
        else:
            instrument = {"type": {"text": "instrument"}, "valueString": self.random.choice(["phq-9", "gad-7"])}
            found["input"] = [instrument]
        return found | (answered(self._somebody({}), about.at) if "answer" in keys else {})

    def _fulfilment(self, keys: Mapping[str, Sequence[str]], about: About) -> Resource:
        """The Task by which somebody else tells how far a request is, with every state on the way."""
        fitting = [
            state
            for state in self.tables.states.values()
            if state.id in keys.get("referral", ()) or stage(state.id) in keys.get("stage", ())
        ]
        state = self.random.choice(fitting)
        way = ["requested", *(["accepted"] if "stage" in keys else []), state.id]
        return {
            "resourceType": "Task",
            "id": self.new_id("ful"),
            "status": state.task_status,
            "businessStatus": {"coding": [{"system": STATE, "code": state.id}]},
            "intent": "order",
            "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
            "focus": {"reference": about.focus},
            "basedOn": about.tied,
            "for": about.whose,
            "authoredOn": about.at.isoformat(),
            "lastModified": about.at.isoformat(),
            "extension": [reached(word, about.at) for word in dict.fromkeys(way)],
        }


_BUILDERS: Mapping[str, Callable[[Maker, Condition, About], Resource]] = {
    "Appointment": Maker._appointment,
    "Booking": Maker._appointment,
    "CarePlan": Maker._plan,
    "CareTeam": Maker._team,
    "Communication": Maker._communication,
    "Consent": Maker._consent,
    "DetectedIssue": Maker._issue,
    "DiagnosticReport": Maker._report,
    "DocumentReference": Maker._document,
    "Encounter": Maker._encounter,
    "Flag": Maker._flag,
    "ImagingStudy": Maker._study,
    "Observation": Maker._measured,
    "Procedure": Maker._procedure,
    "QuestionnaireResponse": Maker._form,
    "ServiceRequest": Maker._order,
    "Specimen": Maker._specimen,
    "Task": Maker._task,
}
