"""Whatever arrives and whatever people do, in any order: every promise of engine.md §1 holds afterwards."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from tests.journeys import slow_lists
from tests.journeys.practice import Practice

from careloop.errors import CareloopError
from careloop.fhir.ids import new_id
from careloop.flows import acts, deadlines, verifying
from careloop.flows.closing import review
from careloop.identity import merges
from careloop.loops import store
from careloop.loops.ids import step_task_id

STEPS = ("contact", "medication-reconciliation", "visit", "discharge-summary", "home-visit")
STAFF = ("dana", "nia", "osei", "mo")
REASONS = ("other", "patient-declined", "done-elsewhere", "not-applicable")


class Chance:
    """One thing after another that could happen to two patients, chosen by a seed."""

    def __init__(self, practice: Practice, seed: int) -> None:
        self.practice = practice
        self.random = random.Random(seed)
        practice.move_to("2026-06-01 09:00")
        self.patients = [practice.known("100234"), practice.known("100999")]
        self.calls: list[str] = []
        self.receipts: list[str] = []

    def happen(self) -> None:
        """Something happens; what is refused changes nothing."""
        name = self.random.choice([name for name in dir(self) if name.startswith("some_")])
        self.practice.app.clock.move_by(minutes=self.random.randint(0, 900))
        with suppress(CareloopError):
            getattr(self, name)()

    @property
    def now(self) -> str:
        return self.practice.app.clock.now().astimezone(self.practice.zone).strftime("%Y-%m-%d %H:%M")

    def some_admission(self) -> None:
        self._message("A01")

    def some_discharge(self) -> None:
        self._message("A03", disposition=self.random.choice(["01", "01", "06", "07", "02", "20"]))

    def some_cancelled_discharge(self) -> None:
        self._message("A13")

    def some_update(self) -> None:
        self._message("A08")

    def some_merge(self) -> None:
        if self.random.random() < 0.2:
            self.practice.send(self.practice.message("A40", self.now, mrn="100234", prior="100999"))

    def some_call(self) -> None:
        patient = self.random.choice(self.patients)
        self.calls.append(self.practice.call(patient, sent=self.now, reached=self.random.random() < 0.5))

    def some_call_was_a_mistake(self) -> None:
        if self.calls:
            self.practice.delete("Communication", self.calls.pop())

    def some_logged_call(self) -> None:
        outcome = self.random.choice(["reached", "no-answer"])
        self._act(acts.log_call, loop_id=self._loop().id, outcome=outcome, minutes=3, idempotency_key=new_id())

    def some_undo(self) -> None:
        if self.receipts:
            self._act(acts.undo, act_id=self.receipts[-1])

    def some_hold(self) -> None:
        until = self.practice.app.clock.now() + timedelta(hours=self.random.randint(1, 90))
        self._act(acts.hold, loop_id=self._loop().id, step_id=self._step(), reason="waiting", until=until)

    def some_release(self) -> None:
        self._act(acts.release, loop_id=self._loop().id, step_id=self._step())

    def some_snooze(self) -> None:
        until = self.practice.app.clock.now() + timedelta(hours=self.random.randint(1, 90))
        self._act(acts.snooze, loop_id=self._loop().id, until=until)

    def some_closing(self) -> None:
        self._act(
            acts.close_without_proof,
            loop_id=self._loop().id,
            step_id=self._step(),
            reason=self.random.choice(REASONS),
            note="A sentence",
        )

    def some_word(self) -> None:
        step = self.random.choice(STEPS)
        self._act(acts.attest, loop_id=self._loop().id, step_id=step, reason="other", note="A sentence")

    def some_restoring(self) -> None:
        self._act(acts.restore, loop_id=self._loop().id, step_id=self._step(), note="A sentence")

    def some_offer(self) -> None:
        to = self.practice.reference(self.random.choice(STAFF))
        self._act(acts.hand_over, loop_id=self._loop().id, to=to, why="Busy")

    def some_answer(self) -> None:
        loop = self._loop()
        if self.random.random() < 0.7:
            self._act(acts.accept_offer, loop_id=loop.id)
        else:
            self._act(acts.decline_offer, loop_id=loop.id, why="Busy too")

    def some_task_put(self) -> None:
        loop = self._loop()
        task = self.practice.task(step_task_id(loop.id, self.random.choice(sorted(loop.steps))))
        status = self.random.choice(["in-progress", "accepted", "on-hold", "completed", "cancelled"])
        reason = {"coding": [{"system": "urn:careloop:reason", "code": "other"}]}
        changed = {
            **task,
            "status": status,
            "statusReason": reason,
            "note": [{"text": "By a program"}],
            "owner": {"reference": self.practice.reference(self.random.choice(STAFF))},
        }
        self.practice.run(lambda tx: acts.task_update(self.practice.app, tx, self.practice.system, changed))

    def some_sweep(self) -> None:
        """Clocks that were only advanced stand where facts say they do."""
        deadlines.run(self.practice.app, self.practice.tenant)
        swept = self._states()
        self.practice.run(lambda tx: review(self.practice.app, tx, self.patients, None))
        assert self._states() == swept

    def _states(self) -> list[object]:
        loops = [loop for one in self.patients for loop in self.practice.loops(one, pathway=None)]
        return [(loop.state, loop.task_version) for loop in loops]

    def _message(self, event: str, **more: str) -> None:
        mrn, visit = self.random.choice([("100234", "V1"), ("100999", "V2")])
        self.practice.send(self.practice.message(event, self.now, mrn=mrn, visit=visit, **more))

    def _loop(self) -> store.StoredLoop:
        found = [loop for patient in self.patients for loop in self.practice.loops(patient, pathway=None)]
        if not found:
            raise CareloopError("no loop yet")
        return self.random.choice(found)

    def _step(self) -> str | None:
        return self.random.choice([None, *STEPS])

    def _act(self, work, **more) -> None:
        who = self.practice.user(self.random.choice(STAFF))
        receipt = self.practice.run(lambda tx: work(self.practice.app, tx, who, **more))
        self.receipts.append(receipt.act_id)


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 12))])
def test_every_invariant_holds_after_anything_that_can_happen(practice, seed):
    chance = Chance(practice, seed)
    for number in range(60):
        chance.happen()
        if number % 6 == 0:
            slow_lists.check(practice)
    chance.some_sweep()
    slow_lists.check(practice)
    assert verifying.verify_tenant(practice.app, practice.tenant) == []
    before = practice.versions()
    practice.run(lambda tx: review(practice.app, tx, chance.patients, None))
    assert practice.versions() == before


def test_who_holds_a_loop_in_which_only_others_have_steps_sees_it_too(practice):
    practice.move_to("2026-03-06 17:00")
    practice.stay(practice.patient(), end="2026-03-06 16:30")
    before = slow_lists.check(practice)
    practice.run(lambda tx: tx.execute("update loop set owner = 'Practitioner/other'"))
    assert slow_lists.check(practice) > before


@pytest.mark.parametrize(("broken", "rule"), [
    ("update loop_step set owner = 'Practitioner/gone'", "open_without_owner"),
    ("update ownership set owned_until = owned_from + interval '1 second' where step_id = 'visit'",
     "open_without_owner"),
    ("update loop set wake_at = wake_at - interval '90 days'", "overslept"),
    ("update loop_clock set wake_at = wake_at + interval '1 day'", "clock_differs"),
    ("delete from loop_clock", "clock_differs"),
    ("update loop set status = 'completed', closed = opened", "closed_with_open_steps"),
    ("update loop_step set task_version = task_version + 1", "task_differs"),
    ("update loop set history = '{}'", "unexplained"),
    ("update loop set state = jsonb_set(state, '{steps,0,due_because}', '\"\"')", "unexplained"),
    ("update ownership set why = ''", "unexplained"),
    ("update loop set state = jsonb_set(state, '{steps,0,status}', '\"completed\"')", "word_without_sentence"),
    ("update loop_step set due = due + interval '1 hour'", "state_differs"),
    ("update loop_step set aside = not aside", "next_differs"),
    ("update loop set next_owner = 'Practitioner/other'", "next_differs"),
    ("update loop_place set next_owner = 'Practitioner/other'", "next_differs"),
    ("update loop set version = '0.0.1', state = jsonb_set(state, '{version}', '\"0.0.1\"')", "unknown_version"),
    ("update loop set state = jsonb_set(state, '{steps,0,due_because}', '\"because\"')", "not_derived"),
    ("""insert into ownership_offer (id, loop_id, giver, taker, why, offered)
        select gen_random_uuid(), id, 'Practitioner/nobody', owner, 'busy', opened from loop""", "offer_of_another"),
    ("""insert into escalation (loop_id, step_id, key, to_role, to_owner, at, fired, late, stands)
        select id, 'visit', 'k', 'nurse', 'Practitioner/gone', opened, opened, false, true from loop""",
     "called_who_left"),
])  # fmt: skip
def test_verify_finds_what_was_broken(practice, broken, rule):
    practice.move_to("2026-03-06 17:00")
    practice.stay(practice.patient(), end="2026-03-06 16:30")
    practice.run(lambda tx: tx.execute(broken))
    assert any(rule in found.at for found in verifying.verify_tenant(practice.app, practice.tenant))


def test_verify_finds_evidence_of_somebody_else_and_a_queue_that_nobody_leads(practice):
    practice.move_to("2026-03-06 17:00")
    patient, other = practice.known("100234"), practice.known("100999")
    practice.stay(patient, end="2026-03-06 16:30")
    call = practice.call(patient, sent="2026-03-06 16:50")
    practice.run(lambda tx: tx.execute("update resource set patient_id = %s where id = %s", (other, call)))
    queue = "update resource set body = replace(body, 'Practitioner/', 'Device/') where type = 'CareTeam'"
    practice.run(lambda tx: tx.execute(queue))
    found = [one.at for one in verifying.verify_tenant(practice.app, practice.tenant)]
    assert any("evidence_withdrawn" in at for at in found)
    assert any("queue_without_lead" in at for at in found)


def test_verify_finds_an_open_loop_that_stayed_behind_with_a_patient_who_was_joined(practice):
    practice.move_to("2026-03-06 17:00")
    practice.send(practice.message("A40", "2026-03-06 16:00", mrn="100234", prior="100999"))
    prior = practice.run(lambda tx: merges.merged_away(tx))
    practice.stay(practice.known("100234"), end="2026-03-06 16:30")
    practice.run(lambda tx: tx.execute("update loop set patient_id = %s", (prior[0],)))
    practice.app.clock.move_by(minutes=11)
    assert any("merged_away" in found.at for found in verifying.verify_tenant(practice.app, practice.tenant))


@pytest.mark.parametrize("broken", [
    "update loop set owner = ''",
    "update loop set status = 'on-hold'",
    "update loop_step set status = 'completed'",
    "update loop set status = 'cancelled'",
    "update ownership set owned_from = owned_from + interval '1 second', previous_until = owned_from",
    "insert into loop select * from loop",
])  # fmt: skip
def test_the_database_itself_refuses_what_must_never_be(practice, broken):
    practice.move_to("2026-03-06 17:00")
    practice.stay(practice.patient(), end="2026-03-06 16:30")
    with pytest.raises(Exception, match=r"violates|generated|cannot"):
        practice.run(lambda tx: tx.execute(broken))


def test_acts_are_never_changed_or_deleted(practice):
    practice.move_to("2026-03-06 17:00")
    patient = practice.patient()
    practice.stay(patient, end="2026-03-06 16:30")
    loop = practice.loop(patient)
    practice.run(lambda tx: acts.start(practice.app, tx, practice.user("dana"), loop_id=loop.id, step_id="contact"))
    for statement in ("update loop_act set by = 'x'", "delete from loop_act"):
        with pytest.raises(Exception, match="permission denied"):
            practice.run(lambda tx, statement=statement: tx.execute(statement))
