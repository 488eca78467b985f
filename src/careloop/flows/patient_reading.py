"""From a patient's FHIR resources to the lines of the patient page; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.careplans.resources import is_of_library
from careloop.flows.contact_words import minutes_of
from careloop.flows.language_words import language_words
from careloop.flows.patient_values import Header, Line, LoopCard
from careloop.flows.timeline import Thread, instant_of, is_loop, text_of
from careloop.loops.model import ClockState

Resource = Mapping[str, Any]

_SEX = {"female": "Female", "male": "Male", "other": "Other"}
_SEX_LETTER = {"female": "F", "male": "M", "other": "X"}
_OPEN = {"requested", "accepted", "in-progress", "on-hold", "received", "ready"}
_RISK = "urn:careloop:score"
_RISK_MODELS = frozenset({"lace", "hospital"})
"""Other scores (assessments, adherence, home) say nothing of the risk of a return to hospital."""
_MADE_UP = "urn:careloop:made-up"
INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
MOST_THREADS = 4
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def full_name(person: Resource) -> str:
    """The name to show: the official or usual one, given names first. `Name not known` when there is none."""
    names = person.get("name") or []
    best = sorted(names, key=lambda name: {"usual": 0, "official": 1}.get(name.get("use", ""), 2))
    for name in best:
        text = name.get("text") or " ".join([*name.get("given", [])[:1], name.get("family", "")]).strip()
        if text:
            return str(text)
    return "Name not known"


def birth_date_of(patient: Resource) -> date | None:
    """The full birth date, or None when it is unknown or only a year or month is known."""
    text = patient.get("birthDate", "")
    return date.fromisoformat(text) if len(text) == 10 else None


def age_on(birth_date: date | None, day: date) -> int | None:
    """Completed years on `day`; a person born on 29 February completes a year on 1 March (domain README rule 4)."""
    if birth_date is None:
        return None
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def sex_letter(patient: Resource) -> str:
    """F, M, X or nothing when it is not known."""
    return _SEX_LETTER.get(patient.get("gender", ""), "")


def record_number(patient: Resource) -> str:
    """The medical record number, else the first identifier, else nothing."""
    identifiers = [item for item in patient.get("identifier", []) if item.get("use") != "old"]
    for item in identifiers:
        if any(coding.get("code") == "MR" for coding in item.get("type", {}).get("coding", [])):
            return str(item.get("value", ""))
    return str(identifiers[0].get("value", "")) if identifiers else ""


def header_of(patient: Resource, chart: Mapping[str, Sequence[Resource]], today: date) -> Header:
    """The identity header. Unknown stays unknown: allergies that nobody asked about are None, not `none`."""
    born = birth_date_of(patient)
    replaced, replaces = _linked(patient, "replaced-by"), _linked(patient, "replaces")
    risk, why = _risk(chart.get("Observation", ()))
    return Header(
        patient_id=patient["id"],
        name=full_name(patient),
        birth_date=born,
        age=age_on(born, today),
        sex=_SEX.get(patient.get("gender", ""), "Sex not known"),
        record_number=record_number(patient),
        allergies=_allergies(chart.get("AllergyIntolerance", ())),
        language=_language(patient),
        interpreter=needs_interpreter(patient),
        phone=_phone(patient),
        best_time=_extension_text(patient, "urn:careloop:best-time"),
        risk=risk,
        risk_why=why,
        programmes=_programmes(chart.get("Task", ())),
        deceased=bool(patient.get("deceasedBoolean") or patient.get("deceasedDateTime")),
        active=patient.get("active", True),
        survivor_id=replaced[0] if replaced else None,
        joined_ids=replaces,
        made_up=any(tag.get("system") == _MADE_UP for tag in patient.get("meta", {}).get("tag", [])),
    )


def _linked(patient: Resource, kind: str) -> tuple[str, ...]:
    """Ids of the patients that this one is linked to in this way."""
    links = [link for link in patient.get("link", []) if link.get("type") == kind]
    return tuple(str(link["other"]["reference"]).split("/")[-1] for link in links)


def _allergies(resources: Iterable[Resource]) -> tuple[str, ...] | None:
    texts: list[str] = []
    asked = False
    for resource in resources:
        asked = True
        status = (resource.get("clinicalStatus", {}).get("coding") or [{}])[0].get("code", "active")
        verified = (resource.get("verificationStatus", {}).get("coding") or [{}])[0].get("code", "")
        if status != "active" or verified in ("entered-in-error", "refuted"):
            continue
        name = text_of(resource.get("code"))
        if name and not name.lower().startswith("no known"):
            reaction = text_of(((resource.get("reaction") or [{}])[0].get("manifestation") or [None])[0])
            texts.append(f"{name} ({reaction.lower()})" if reaction else name)
    return tuple(texts) if asked else None


def _language(patient: Resource) -> str:
    spoken = sorted(patient.get("communication", []), key=lambda item: not item.get("preferred", False))
    return language_words(spoken[0].get("language")) if spoken else ""


def needs_interpreter(patient: Resource) -> bool:
    """True where the record says so; False also where it says nothing."""
    return any(item.get("url") == INTERPRETER and item.get("valueBoolean") for item in patient.get("extension", []))


def _extension_text(resource: Resource, url: str) -> str:
    return next(
        (str(item.get("valueString", "")) for item in resource.get("extension", []) if item.get("url") == url), ""
    )


def _phone(patient: Resource) -> str:
    phones = [item for item in patient.get("telecom", []) if item.get("system") == "phone" and item.get("use") != "old"]
    phones.sort(key=lambda item: (item.get("rank", 9), {"mobile": 0, "home": 1}.get(item.get("use", ""), 2)))
    return str(phones[0].get("value", "")) if phones else ""


def _risk(observations: Iterable[Resource]) -> tuple[str, str]:
    """The newest LACE or HOSPITAL score in words, and the reason; unknown is said, not shown as low."""
    scores = [item for item in observations if _is_score(item)]
    scores.sort(key=lambda item: str(item.get("effectiveDateTime", "")), reverse=True)
    for item in scores:
        if "valueInteger" in item or "valueQuantity" in item:
            band = text_of((item.get("interpretation") or [None])[0]) or "See the score"
            value = item.get("valueInteger", item.get("valueQuantity", {}).get("value"))
            return band.capitalize(), f"{text_of(item.get('code'))} {value}"
    return (
        ("Not known yet", text_of(scores[0].get("dataAbsentReason")))
        if scores
        else ("Not known yet", "no hospital stay scored")
    )


def _is_score(observation: Resource) -> bool:
    codings = observation.get("code", {}).get("coding", ())
    # Two looks, the second of very few: this is asked of every observation at every view.
    found = [one for one in codings if one.get("code") in _RISK_MODELS]
    return any(one.get("system") == _RISK for one in found) if found else False


def _programmes(tasks: Iterable[Resource]) -> tuple[str, ...]:
    pathways = {
        coding["code"]
        for task in tasks
        if is_loop(task) and task.get("status") in _OPEN
        for coding in task["code"]["coding"]
        if coding.get("system") == "urn:careloop:pathway"
    }
    return tuple(
        name
        for code, name in (("discharge-transition", "After hospital"), ("ed-visit", "After emergency visit"))
        if code in pathways
    )


def goals_of(goals: Iterable[Resource], zone: ZoneInfo) -> tuple[Line, ...]:
    """Goals in the patient's own words, the newest first."""
    active = ("proposed", "planned", "accepted", "active")
    current = [goal for goal in goals if goal.get("lifecycleStatus") in active and not is_of_library(goal)]
    current.sort(key=lambda goal: str(goal.get("startDate", "")), reverse=True)
    return tuple(
        Line(name=text_of(goal.get("description")), detail=_since(goal.get("startDate", ""))) for goal in current
    )


def _since(text: str) -> str:
    """`Since 11 Aug 2026`: the month is always a word; nothing where no full date is known."""
    if len(text) != 10:
        return ""
    day = date.fromisoformat(text)
    return f"Since {day.day} {day:%b} {day.year}"


def team_of(teams: Iterable[Resource], names: Mapping[str, str]) -> tuple[Line, ...]:
    """Members of the active care teams with their role."""
    lines: list[Line] = []
    for team in teams:
        if team.get("status", "active") != "active":
            continue
        for member in team.get("participant", []):
            reference = member.get("member", {})
            name = str(reference.get("display") or names.get(reference.get("reference", ""), ""))
            role = text_of((member.get("role") or [None])[0])
            if name:
                lines.append(Line(name=name, detail=role.replace("-", " ").capitalize()))
    return tuple(dict.fromkeys(lines))


def loop_cards(tasks: Sequence[Resource], names: Mapping[str, str]) -> list[LoopCard]:
    """A card for each loop, open ones by deadline, then closed ones with the newest first."""
    steps: dict[str, list[Resource]] = {}
    for task in tasks:
        for parent in task.get("partOf", []):
            steps.setdefault(parent.get("reference", "").split("/")[-1], []).append(task)
    cards = [
        _card(task, steps.get(task["id"], []), names) for task in tasks if is_loop(task) and not task.get("partOf")
    ]
    return sorted(
        cards, key=lambda card: (not card.is_open, card.due.timestamp() if card.is_open else -card.due.timestamp())
    )


def _card(task: Resource, steps: Sequence[Resource], names: Mapping[str, str]) -> LoopCard:
    open_steps = sorted(
        (step for step in steps if step.get("status") in _OPEN),
        key=lambda step: str(step.get("restriction", {}).get("period", {}).get("end", "")),
    )
    first = open_steps[0] if open_steps else task
    owner = first.get("owner", {})
    pathway = next(
        coding["code"] for coding in task["code"]["coding"] if coding.get("system") == "urn:careloop:pathway"
    )
    due = instant_of(first.get("restriction", {}).get("period", {}).get("end")) or instant_of(
        task["executionPeriod"]["start"]
    )
    clock = (first.get("businessStatus", {}).get("coding") or [{"code": "on-time"}])[0]["code"]
    counted = [step for step in steps if step.get("status") != "cancelled"]
    return LoopCard(
        loop_id=task["id"],
        pathway=pathway,
        title=text_of(task.get("code")),
        next_step=text_of(first.get("code")),
        clock=ClockState(clock),
        due=due or _LONG_AGO,
        owner=owner.get("reference", ""),
        owner_name=str(owner.get("display") or names.get(owner.get("reference", ""), "")),
        segments=tuple(step.get("status") == "completed" for step in counted) or (False,),
        thread=None,
        is_open=task.get("status") in _OPEN,
        closed_why=text_of(task.get("statusReason")) or _by_word(counted),
    )


def _by_word(steps: Sequence[Resource]) -> str:
    """Says so where a step was completed on a person's word: that is not proof (engine.md §1.3)."""
    told = any(step.get("status") == "completed" and not step.get("output") for step in steps)
    return "Closed, partly on a person's word" if told else ""


def threads_of(tasks: Sequence[Resource]) -> list[Thread]:
    """Up to four loops that draw a thread: open ones first, then the newest closed ones."""
    loops = [
        task for task in tasks if is_loop(task) and not task.get("partOf") and task.get("status") != "entered-in-error"
    ]
    loops.sort(
        key=lambda task: (
            task.get("status") not in _OPEN,
            -(instant_of(task["executionPeriod"]["start"]) or _LONG_AGO).timestamp(),
        )
    )
    threads = []
    for number, task in enumerate(loops[:MOST_THREADS], start=1):
        proofs = {
            _plain(output.get("valueReference", {}).get("reference", ""))
            for step in tasks
            if any(parent.get("reference", "").endswith(task["id"]) for parent in step.get("partOf", []))
            for output in step.get("output", [])
        }
        threads.append(
            Thread(
                number=number,
                title=text_of(task.get("code")),
                loop_id=task["id"],
                opened_by=_plain(task.get("focus", {}).get("reference", "")),
                proofs=frozenset(proofs - {""}),
                is_open=task.get("status") in _OPEN,
            )
        )
    return threads


def _plain(reference: str) -> str:
    return reference.split("/_history/")[0]


def minutes_in_month(communications: Iterable[Resource], now: datetime, zone: ZoneInfo) -> int:
    """Minutes of contacts in the calendar month of `now` in `zone`."""
    month = now.astimezone(zone).strftime("%Y-%m")
    return sum(
        minutes_of(item)
        for item in communications
        if item.get("status") != "entered-in-error"
        and (sent := instant_of(item.get("sent")))
        and sent.astimezone(zone).strftime("%Y-%m") == month
    )
