"""Laws of the engine: order and repetition do not matter, clocks only advance, nothing changes before it is said to,
and until then a loop needs no facts to be advanced."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.loops.facts import Known, read_facts
from careloop.loops.ids import loop_id, step_task_id
from careloop.loops.keys import key_reader
from careloop.loops.model import (
    Act,
    ActKind,
    ClockState,
    Derivation,
    ExistingLoop,
    LoopSettings,
    LoopState,
    Status,
)
from careloop.loops.pathways import read_calendar, read_pathways
from careloop.loops.rules import derive
from careloop.loops.rules.advancing import advance
from careloop.loops.rules.turned import turns_between, with_turns

CATALOG = load_catalog()
PATHWAYS, CALENDAR, KEYS = read_pathways(CATALOG), read_calendar(CATALOG), key_reader(CATALOG)
SETTINGS = LoopSettings(zone="America/New_York")
MONDAY = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
CLOCKS = {ClockState.ON_TIME: 0, ClockState.DUE_SOON: 1, ClockState.OVERDUE: 2}
LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

hours = st.integers(min_value=0, max_value=24 * 45).map(lambda count: MONDAY + timedelta(hours=count))


def stay(
    number: int, start: datetime, length: int, *, emergency: bool, disposition: str, stands: bool
) -> dict[str, Any]:
    end = (start + timedelta(hours=length)).isoformat()
    parts = [{"url": "key", "valueString": end}, {"url": "at", "valueDateTime": end}]
    parts.append({"url": "disposition", "valueCode": disposition})
    if not stands:
        cancelled = (start + timedelta(hours=length + 5)).isoformat()
        parts.append({"url": "cancelled", "valueDateTime": cancelled})
    return {
        "resourceType": "Encounter",
        "id": f"stay-{number}",
        "status": "finished" if stands else "in-progress",
        "class": {"code": "EMER" if emergency else "IMP"},
        "period": {"start": start.isoformat()},
        "extension": [{"url": "urn:careloop:discharge", "extension": parts}],
    }


stays = st.builds(
    stay,
    st.integers(0, 3),
    hours,
    st.integers(2, 200),
    emergency=st.booleans(),
    disposition=st.sampled_from(["01", "06", "07", "02", "03", "20", "50"]),
    stands=st.booleans(),
)
calls = st.builds(
    lambda number, at, outcome: {
        "resourceType": "Communication",
        "id": f"call-{number}",
        "status": "completed" if outcome == "reached" else "not-done",
        "statusReason": {"coding": [{"system": "urn:careloop:contact-outcome", "code": outcome}]},
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": "outreach"}]}],
        "recipient": [{"reference": "Patient/p"}],
        "medium": [{"coding": [{"code": "PHONE"}]}],
        "sent": at.isoformat(),
    },
    st.integers(0, 5),
    hours,
    st.sampled_from(["reached", "no-answer", "left-message"]),
)
visits = st.builds(
    lambda number, at, code: {
        "resourceType": "Encounter",
        "id": f"visit-{number}",
        "status": "finished",
        "class": {"code": code},
        "period": {"start": at.isoformat()},
        "participant": [{"individual": {"reference": "Practitioner/x"}}],
    },
    st.integers(0, 3),
    hours,
    st.sampled_from(["AMB", "HH", "VR"]),
)
others = st.one_of(
    st.builds(
        lambda at: {
            "resourceType": "Procedure",
            "id": "compared",
            "status": "completed",
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "430193006"}]},
            "performedDateTime": at.isoformat(),
        },
        hours,
    ),
    st.builds(
        lambda at, late: {
            "resourceType": "DiagnosticReport",
            "id": "report",
            "status": "final" if late else "registered",
            "effectiveDateTime": at.isoformat(),
            "issued": (at + timedelta(hours=late)).isoformat(),
        },
        hours,
        st.integers(0, 200),
    ),
    st.builds(
        lambda at: {"resourceType": "Appointment", "id": "booked", "status": "booked", "start": at.isoformat()}, hours
    ),
    st.builds(
        lambda at: {
            "resourceType": "DocumentReference",
            "id": "summary",
            "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
            "date": at.isoformat(),
            "context": {"encounter": [{"reference": "Encounter/stay-1"}]},
        },
        hours,
    ),
    st.builds(lambda at: {"resourceType": "Patient", "id": "p", "deceasedDateTime": at.isoformat()}, hours),
)
PATIENT = {"reference": "Patient/p"}
ABOUT = ["Communication/m-0", "Communication/m-1", "Task/r-0", "Task/r-1", "Communication/a-0", "ServiceRequest/o-0"]
messages = st.builds(
    lambda number, at, text, answered: {
        "resourceType": "Communication",
        "id": f"m-{number}",
        "status": "completed",
        "sender": PATIENT,
        "recipient": [{"reference": "Practitioner/1"}],
        "sent": at.isoformat(),
        "medium": [{"coding": [{"code": "ONLINEWRIT"}]}],
        "payload": [{"contentString": text}],
        **({"inResponseTo": [{"reference": answered}]} if answered else {}),
    },
    st.integers(0, 2),
    hours,
    st.sampled_from(["refill please", "chest pain"]),
    st.sampled_from([None, None, "Communication/a-0"]),
)
answers = st.builds(
    lambda number, at, about, category, received: {
        "resourceType": "Communication",
        "id": f"a-{number}",
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careloop:communication", "code": category}]}],
        "sender": {"reference": "Practitioner/x"},
        "recipient": [PATIENT],
        "sent": at.isoformat(),
        "medium": [{"coding": [{"code": "ONLINEWRIT"}]}],
        "inResponseTo": [{"reference": about}],
        **({"received": (at + timedelta(hours=received)).isoformat()} if received else {}),
    },
    st.integers(0, 3),
    hours,
    st.sampled_from(ABOUT),
    st.sampled_from(["outreach", "triage", "resolved", "plan-signed", "safety-assessed", "message-read"]),
    st.integers(0, 30),
)
requests = st.builds(
    lambda number, at, pathway, priority, status, after: {
        "resourceType": "Task",
        "id": f"r-{number}",
        "status": status,
        "intent": "order",
        "priority": priority,
        "code": {"coding": [{"system": "urn:careloop:open", "code": pathway}]},
        "for": PATIENT,
        "authoredOn": at.isoformat(),
        "lastModified": (at + timedelta(hours=after)).isoformat(),
    },
    st.integers(0, 2),
    hours,
    st.sampled_from([
        pathway.id for pathway in PATHWAYS.active.values()
        if "urn:careloop:open" in str(pathway.opens_when.when)
    ]),
    st.sampled_from(["routine", "urgent", "stat"]),
    st.sampled_from(["requested", "accepted", "completed", "cancelled"]),
    st.integers(0, 100),
)  # fmt: skip
orders = st.builds(
    lambda number, at, status: {
        "resourceType": "ServiceRequest",
        "id": f"o-{number}",
        "status": status,
        "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}],
        "subject": PATIENT,
        "authoredOn": at.isoformat(),
    },
    st.integers(0, 1),
    hours,
    st.sampled_from(["active", "completed", "revoked"]),
)
matters = st.one_of(messages, answers, requests, orders)
histories = st.lists(
    st.one_of(stays, calls, visits, others, matters, matters), min_size=1, max_size=8, unique_by=lambda item: item["id"]
)


def known(resources: list[dict[str, Any]]) -> list[Known]:
    return [Known(resource=resource, last_updated=MONDAY) for resource in resources]


def derived(resources: list[Known], now: datetime, acts: list[Act] | None = None, existing: Any = ()) -> Derivation:
    facts = read_facts(resources, tenant_id=1, patient_id="p", zone="America/New_York", keys=KEYS)
    return derive(PATHWAYS, CALENDAR, facts, list(existing), acts or [], SETTINGS, now)


def timeless(derivation: Derivation) -> Derivation:
    """Without the instant of the next change itself, which is no state."""
    return replace(
        derivation,
        next_change=None,
        loops=tuple(replace(loop, next_change=None) for loop in derivation.loops),
    )


def existing_of(derivation: Derivation) -> list[ExistingLoop]:
    return [ExistingLoop.of(loop, MONDAY) for loop in derivation.loops]


acts_of_people = st.lists(
    st.builds(
        lambda number, kind, step_id, at, length: Act(
            id=f"act-{number}",
            loop_id=f"{number % 3}",
            step_id=step_id,
            kind=kind,
            at=at,
            by="Practitioner/1",
            data={
                "reason": "other",
                "note": "x",
                "until": (at + timedelta(hours=length)).isoformat(),
                "due": (at + timedelta(hours=length)).isoformat(),
                "step": f"extra-{number}",
                "title": "More",
                "role": "nurse",
            },
        ),
        st.integers(0, 9),
        st.sampled_from([kind for kind in ActKind if kind is not ActKind.EVIDENCE]),
        st.sampled_from([None, "contact", "visit", "home-visit", "decided"]),
        hours,
        st.integers(1, 300),
    ),
    max_size=4,
    unique_by=lambda act: act.id,
)


def aimed(acts: list[Act], resources: list[Known], now: datetime) -> list[Act]:
    """The acts that were done by `now`, each on one of the loops that there are, or on one of its steps."""
    loops = derived(resources, now).loops
    return [aimed_at(act, loops[int(act.loop_id) % len(loops)]) for act in acts if loops and act.at <= now]


def aimed_at(act: Act, loop: LoopState) -> Act:
    if act.step_id is None:
        return replace(act, loop_id=loop.id)
    return replace(act, loop_id=loop.id, step_id=loop.steps[len(act.step_id) % len(loop.steps)].step_id)


@LAWS
@given(histories, acts_of_people, hours, st.randoms())
def test_the_same_facts_and_acts_in_any_order_any_number_of_times_give_the_same_loops(
    history: list[dict[str, Any]], acts: list[Act], now: datetime, random: Any
) -> None:
    once = known(history)
    done = aimed(acts, once, now)
    again, done_again = once + once, done + done
    random.shuffle(again)
    random.shuffle(done_again)
    assert derived(once, now, done) == derived(again, now, done_again)


@LAWS
@given(histories, acts_of_people, hours, st.floats(min_value=0, max_value=0.999))
def test_nothing_changes_before_the_next_change(
    history: list[dict[str, Any]], acts: list[Act], now: datetime, part: float
) -> None:
    resources = known(history)
    done = aimed(acts, resources, now)
    existing = existing_of(derived(resources, now, done))
    first = derived(resources, now, done, existing)
    end = first.next_change or now + timedelta(days=200)
    assert end > now
    later = min(now + (end - now) * part, end - timedelta.resolution)
    assert timeless(derived(resources, later, done, existing)) == timeless(first)


@LAWS
@given(histories, acts_of_people, hours, st.integers(min_value=0, max_value=24 * 60 * 40))
def test_a_loop_advanced_without_its_facts_is_the_loop_derived_from_them(
    history: list[dict[str, Any]], acts: list[Act], now: datetime, minutes: int
) -> None:
    resources = known(history)
    done = aimed(acts, resources, now)
    existing = existing_of(derived(resources, now, done))
    first = derived(resources, now, done, existing)
    turns = sorted({turn.at for loop in first.loops for step in loop.steps for turn in step.ahead})
    for later in (now + timedelta(minutes=minutes), *turns[:2], *turns[-2:]):
        whole = {loop.id: loop for loop in derived(resources, later, done, existing).loops}
        for loop in first.loops:
            pathway = PATHWAYS.pinned(loop.pathway, loop.version)
            assert pathway is not None
            advanced = advance(loop, pathway, later)
            assert (advanced is None) == (not loop.status.is_open or later >= loop.holds_until)
            assert advanced is None or advanced == whole[loop.id]
            assert advanced is None or with_turns(loop, turns_between(loop, advanced)) == advanced


@LAWS
@given(histories, hours, st.integers(min_value=0, max_value=24 * 40))
def test_without_new_facts_clocks_only_advance(history: list[dict[str, Any]], now: datetime, ahead: int) -> None:
    resources = known(history)
    before = derived(resources, now)
    after = {
        loop.id: loop for loop in derived(resources, now + timedelta(hours=ahead), existing=existing_of(before)).loops
    }
    for loop in before.loops:
        advanced = {step.step_id: step for step in after[loop.id].steps}
        for step in loop.steps:
            then = advanced[step.step_id]
            if step.status.is_open and then.status.is_open and ClockState.WAITING not in (step.clock, then.clock):
                assert CLOCKS[then.clock] >= CLOCKS[step.clock]
            assert {item.key for item in step.escalations} <= {item.key for item in then.escalations} or then.rule_met


@LAWS
@given(histories, hours)
def test_every_open_loop_and_step_has_a_deadline_an_owner_and_a_next_change(
    history: list[dict[str, Any]], now: datetime
) -> None:
    for loop in derived(known(history), now).loops:
        assert loop.explanations
        for step in loop.steps:
            assert step.owner_role
            assert step.due_because
        if loop.status.is_open and PATHWAYS.active[loop.pathway].ends_with_window:
            assert loop.next_change is not None
            assert loop.deadline >= now.astimezone(loop.deadline.tzinfo) - timedelta(seconds=1)
        if loop.status.is_open:
            assert any(step.status.is_open for step in loop.steps)


@LAWS
@given(histories, hours)
def test_a_death_leaves_nothing_open(history: list[dict[str, Any]], now: datetime) -> None:
    patient = {"resourceType": "Patient", "id": "p", "deceasedDateTime": MONDAY.isoformat()}
    history = [item for item in history if item["resourceType"] != "Patient"]
    assert [loop for loop in derived(known([*history, patient]), now).loops if loop.status.is_open] == []


DISCHARGE = "2026-03-06T16:30:00-05:00"
AFTER = datetime.fromisoformat("2026-03-09T12:00:00-04:00")
STAY = stay(1, MONDAY, 0, emergency=False, disposition="01", stands=True) | {"extension": []}
STAY["period"] = {"start": "2026-03-02T08:00:00-05:00", "end": DISCHARGE}


def opened(acts: list[Act] | None = None, more: list[dict[str, Any]] | None = None, at: datetime = AFTER) -> LoopState:
    (loop,) = derived(known([STAY, *(more or [])]), at, acts).loops
    return loop


def step(loop: LoopState, name: str) -> Any:
    return next(step for step in loop.steps if step.step_id == name)


def act(kind: ActKind, step_id: str | None = "contact", **data: Any) -> Act:
    return Act(id=kind.value, loop_id=opened().id, step_id=step_id, kind=kind, at=AFTER, by="Practitioner/1", data=data)


def test_a_loop_is_named_by_tenant_pathway_focus_and_matter() -> None:
    assert opened().id == loop_id(1, "discharge-transition", "Encounter/stay-1", "end")


def test_proof_added_by_hand_closes_the_step_while_it_stands() -> None:
    letter = {"resourceType": "DocumentReference", "id": "d", "status": "superseded", "date": DISCHARGE}
    added = act(ActKind.EVIDENCE, "discharge-summary", reference="DocumentReference/d/_history/1")
    assert step(opened([added], [letter]), "discharge-summary").status is Status.COMPLETED
    assert step(opened([added]), "discharge-summary").status is Status.ACCEPTED


def test_a_persons_word_completes_a_step_and_says_so() -> None:
    found = step(opened([act(ActKind.ATTEST, reason="done-elsewhere", note="Seen at the other clinic.")]), "contact")
    assert found.status is Status.COMPLETED
    assert found.evidence == ()
    assert found.closure is not None
    assert found.closure.reason == "done-elsewhere"


def test_an_act_that_was_undone_never_was() -> None:
    undone = replace(act(ActKind.ATTEST, reason="done-elsewhere", note="x"), undone=True)
    assert opened([undone]) == opened()


def test_work_that_somebody_started_is_in_progress() -> None:
    loop = opened([act(ActKind.START)])
    assert step(loop, "contact").status is Status.IN_PROGRESS
    assert loop.status is Status.IN_PROGRESS


def test_a_held_loop_waits_as_a_whole_until_it_wakes() -> None:
    until = AFTER + timedelta(hours=20)
    held = act(ActKind.HOLD, None, reason="other", until=until.isoformat())
    loop = opened([held])
    assert loop.status is Status.ON_HOLD
    assert loop.clock is ClockState.WAITING
    assert opened([held], at=until).status is Status.ACCEPTED


def test_a_message_that_names_the_step_needs_no_category() -> None:
    task = f"Task/{step_task_id(opened().id, 'contact')}"
    message = {
        "resourceType": "Communication",
        "id": "c",
        "status": "completed",
        "recipient": [{"reference": "Patient/p"}],
        "medium": [{"coding": [{"code": "PHONE"}]}],
        "sent": "2026-03-09T10:00:00-04:00",
    }
    assert step(opened(more=[message]), "contact").status is Status.ACCEPTED
    assert step(opened(more=[message | {"partOf": [{"reference": task}]}]), "contact").status is Status.COMPLETED


def test_a_stored_loop_without_a_fact_behind_it_ends() -> None:
    loops = existing_of(derived(known([STAY]), AFTER))
    (gone,) = derived([], AFTER, existing=loops).unsupported
    assert gone.closure.reason == "entered-in-error"
    reopened = STAY | {"status": "in-progress", "period": {"start": "2026-03-02T08:00:00-05:00"}}
    (cancelled,) = derived(known([reopened]), AFTER, existing=loops).unsupported
    assert cancelled.closure.reason == "discharge-cancelled"


def test_a_loop_keeps_the_version_it_opened_under() -> None:
    active = PATHWAYS.active["discharge-transition"]
    old = replace(active, version="0.9.0", status="retired", steps=active.steps[:1])
    pathways = replace(PATHWAYS, versions={**PATHWAYS.versions, (old.id, old.version): old})
    facts = read_facts(known([STAY]), tenant_id=1, patient_id="p", zone="America/New_York")
    (loop,) = existing_of(derived(known([STAY]), AFTER))
    kept = derive(pathways, CALENDAR, facts, [replace(loop, version="0.9.0")], [], SETTINGS, AFTER).loops[0]
    assert (kept.version, len(kept.steps)) == ("0.9.0", 1)


def test_days_end_where_the_patient_lives() -> None:
    place = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "America/Phoenix"}]}
    patient = {"resourceType": "Patient", "id": "p", **place}
    assert step(opened(more=[patient]), "contact").due.isoformat() == "2026-03-10T23:59:59-07:00"


def test_a_readmission_that_never_was_gives_the_loop_back_with_its_first_deadlines() -> None:
    back = {
        "resourceType": "Encounter",
        "id": "back",
        "class": {"code": "IMP"},
        "period": {"start": "2026-03-09T08:00:00-04:00"},
    }
    suspended = opened(more=[back | {"status": "in-progress"}])
    assert suspended.closure is not None
    assert suspended.closure.reason == "readmitted"
    assert opened(more=[back | {"status": "cancelled"}]) == opened()


def test_a_discharge_that_does_not_say_of_what_kind_opens_all_the_same() -> None:
    parts = [{"url": "key", "valueString": "k"}, {"url": "at", "valueDateTime": DISCHARGE}]
    extension = [{"url": "urn:careloop:discharge", "extension": parts}]
    unknown = {
        "resourceType": "Encounter",
        "id": "u",
        "status": "finished",
        "class": {"code": "UNK"},
        "extension": extension,
    }
    assert [loop.pathway for loop in derived(known([unknown]), AFTER).loops] == ["discharge-transition"]


def test_a_loop_whose_steps_were_all_closed_stays_as_it_is_when_its_time_is_over() -> None:
    """Found by `careloop bench simulate --patients 10000 --seed 1`, night of 31 March: the only step of a loop was
    declined, and the loop became "failed" when its window ended weeks later."""
    standing = [
        Act(
            id=f"act-{step.step_id}",
            loop_id=opened().id,
            step_id=step.step_id,
            kind=ActKind.CANCEL,
            at=AFTER - timedelta(hours=1),
            by="Practitioner/1",
            data={"reason": "patient-declined", "note": "said no"},
        )
        for step in opened().steps
    ]
    first = derived(known([STAY]), AFTER, standing)
    [loop] = first.loops
    assert loop.closure is not None
    assert (loop.status, loop.closure.reason) == (Status.CANCELLED, "patient-declined")
    assert derived(known([STAY]), loop.deadline + timedelta(days=1), standing, existing_of(first)).loops == (loop,)


def test_a_completed_loop_whose_matter_was_withdrawn_never_was() -> None:
    """Found by `careloop bench simulate --patients 1000 --days 30 --seed 2`: its proof was withdrawn later as well."""
    message = {
        "resourceType": "Communication",
        "id": "m",
        "status": "completed",
        "sender": PATIENT,
        "recipient": [{"reference": "Practitioner/1"}],
        "sent": MONDAY.isoformat(),
        "payload": [{"contentString": "refill"}],
    }
    answer = {
        "resourceType": "Communication",
        "id": "a",
        "status": "completed",
        "sender": {"reference": "Practitioner/1"},
        "recipient": [PATIENT],
        "inResponseTo": [{"reference": "Communication/m"}],
        "medium": [{"coding": [{"code": "PHONE"}]}],
        "sent": (MONDAY + timedelta(hours=1)).isoformat(),
    }
    now = MONDAY + timedelta(hours=2)
    done = derived(known([message, answer]), now)
    assert [loop.status for loop in done.loops] == [Status.COMPLETED]
    (lost,) = derived(known([answer]), now, existing=existing_of(done)).unsupported
    assert (lost.loop_id, lost.closure.reason) == (done.loops[0].id, "entered-in-error")
    assert lost.lost == {"Communication/a"}
    assert derived(known([message, answer]), now, existing=existing_of(done)).unsupported == ()
