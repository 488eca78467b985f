"""Where very much is due, a second process sweeps a half: nothing is left, nothing is done twice, whoever is killed."""

import signal
import time
from contextlib import contextmanager

import pytest

from careloop.flows import deadlines
from careloop.flows.verifying import verify_tenant
from careloop.loops import store
from careloop.worker import sweeping

LOOPS = 16


@pytest.fixture
def due(practice, monkeypatch) -> list[str]:
    """Patients whose loops all have something to do, more of them than one process is left alone with."""
    monkeypatch.setattr(deadlines, "MUCH", LOOPS)
    practice.move_to("2026-03-06 17:00")
    patients = [practice.patient() for _ in range(LOOPS)]
    for patient in patients:
        practice.stay(patient, end="2026-03-06 16:30")
    practice.move_to("2026-03-11 12:00")
    return patients


def of_second(practice, patients: list[str]) -> list[str]:
    """Those of the patients who are the second process's."""
    sql = "select one from unnest(%s::text[]) as one where (hashtext(one) & 2147483647) %% 2 = 1"
    return [row["one"] for row in practice.run(lambda tx: tx.rows(sql, (patients,)))]


def check_each_turned_once(practice, patients: list[str]) -> None:
    """Each clock that ran out is told in one new version of its Task, each escalation stands once."""
    for patient in patients:
        [loop] = practice.loops(patient)
        late = [step for step in loop.state.steps if step.clock == "overdue"]
        fired = [one for step in loop.state.steps for one in step.escalations]
        told = practice.run(lambda tx: tx.rows("select key from escalation where loop_id = %s", (loop.id,)))  # noqa: B023
        assert late
        assert len(told) == len(fired) > 0
        assert loop.task_version == 2
        assert {loop.steps[step.step_id].task_version for step in late} == {2}
        assert len(loop.history) == 2
        assert practice.task(loop.id)["meta"]["versionId"] == "2"
    assert verify_tenant(practice.app, practice.tenant) == []
    assert practice.run(lambda tx: store.due_count(tx, practice.app.clock.now(), 1)) == 0


def test_both_do_their_half(practice, due, monkeypatch):
    answered = []
    ask = sweeping._answer
    monkeypatch.setattr(sweeping, "_answer", lambda process: answered.append(ask(process)) or answered[-1])
    report = sweeping.run(practice.app, practice.tenant)
    assert answered == [deadlines.Done(loops=len(of_second(practice, due)))]
    assert 0 < answered[0].loops < LOOPS
    assert report.loops == LOOPS
    check_each_turned_once(practice, due)


@contextmanager
def held_task(practice, patient: str):
    """A Task of this patient cannot be written meanwhile: whoever turns the loop waits in the middle of it."""
    [loop] = practice.loops(patient)
    with practice.app.database.transaction(practice.tenant.id) as tx:
        tx.execute("select from resource where type = 'Task' and id = %s for update", (loop.id,))
        yield


def someone_waits(practice) -> bool:
    sql = "select count(*) from pg_locks where not granted"
    return bool(practice.run(lambda tx: tx.value(sql)))


def test_a_sweeper_killed_in_the_middle_loses_and_doubles_nothing(practice, due, monkeypatch):
    theirs = of_second(practice, due)
    ask = sweeping._answer

    def kill_in_the_middle(process):
        with held_task(practice, theirs[0]):
            deadline = time.monotonic() + 20
            while not someone_waits(practice) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert someone_waits(practice)
            process.send_signal(signal.SIGKILL)
            process.wait()
        return ask(process)

    monkeypatch.setattr(sweeping, "_answer", kill_in_the_middle)
    report = sweeping.run(practice.app, practice.tenant)
    # Its session lets go of the patients once the server sees that nobody is there; then the next round has them.
    while report.loops < LOOPS:
        more = deadlines.run(practice.app, practice.tenant)
        report = deadlines.Report(**{**vars(report), "loops": report.loops + more.loops})
    assert report.loops == LOOPS
    check_each_turned_once(practice, due)
