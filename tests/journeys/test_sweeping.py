"""A sweep turns clocks without making Tasks anew: they read all the same as if it had."""

from careloop.access.model import system_principal
from careloop.flows import deadlines, engine, verifying
from careloop.loops.tasks import TaskFrame, loop_task, step_task
from careloop.record import Write


def made_anew(practice, loop) -> dict[str, dict]:
    """Every Task of a loop as its state says, with its history; by id."""
    titles = {step.step_id: step.title for step in loop.state.steps if step.title}

    def frame(step_id: str) -> TaskFrame:
        owner = loop.steps[step_id].owner if step_id else loop.owner
        title = titles.get(step_id) or engine.title(practice.app.catalog, loop.state.pathway, step_id)
        return TaskFrame(zone=practice.zone, title=title, owner=owner, number=loop.number)

    tasks = {"": loop_task(loop.state, frame(""))}
    tasks |= {step.step_id: step_task(loop.state, step, frame(step.step_id)) for step in loop.state.steps}
    history = {"": loop.history, **{step_id: step.history for step_id, step in loop.steps.items()}}
    return {
        task["id"]: {**task, "relevantHistory": [{"reference": one} for one in history[step_id]]}
        for step_id, task in tasks.items()
    }


def stored(practice, loop) -> dict[str, dict]:
    """The same as the record has them."""
    tasks = {task_id: practice.task(task_id) for task_id in made_anew(practice, loop)}
    return {task_id: {name: value for name, value in one.items() if name != "meta"} for task_id, one in tasks.items()}


def test_tasks_read_as_if_they_had_been_made_anew(practice):
    practice.move_to("2026-03-06 17:00")
    patient = practice.patient()
    practice.stay(patient, end="2026-03-06 16:30")
    [loop] = practice.loops(patient)
    for moment in ("2026-03-09 12:00", "2026-03-11 09:00", "2026-03-20 09:00"):
        practice.move_to(moment)
        report = deadlines.run(practice.app, practice.tenant)
        [turned] = practice.loops(patient)
        assert report.loops == 1
        assert turned.task_version > loop.task_version or turned.state.steps != loop.state.steps
        assert stored(practice, turned) == made_anew(practice, turned)
        loop = turned
    assert verifying.verify_tenant(practice.app, practice.tenant) == []


def test_a_task_that_is_gone_is_made_anew(practice):
    practice.move_to("2026-03-06 17:00")
    patient = practice.patient()
    practice.stay(patient, end="2026-03-06 16:30")
    [loop] = practice.loops(patient)
    system = system_principal(practice.tenant.id, "test")
    gone = [Write(method="delete", resource_type="Task", id=loop.id)]
    practice.run(lambda tx: practice.app.record.write(tx, system, practice.app.clock.now(), gone))
    practice.move_to("2026-03-20 09:00")
    deadlines.run(practice.app, practice.tenant)
    [turned] = practice.loops(patient)
    assert stored(practice, turned) == made_anew(practice, turned)
