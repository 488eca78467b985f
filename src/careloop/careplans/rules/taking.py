"""A plan of another source beside ours: what both say, what only they say, and what is taken over from it.

What both say differently (limits, choices, how often) is a conflict with both sources until a clinician has decided;
that holds whether anything was taken over or not. Nothing is picked here.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from careloop.careplans.model import (
    Activity,
    Advice,
    Conflict,
    Goal,
    Interval,
    Intervention,
    Kept,
    Plan,
    Planning,
    Settled,
)
from careloop.careplans.others import FROM, OtherGoal, OtherPlan, OtherStep
from careloop.careplans.rules.merging import in_conflict, kept
from careloop.careplans.rules.recognising import Recognition, advice_of, does_of

TIMING = "timing/"
OURS = "ours"
UNDECIDED = "A clinician decides"
_OUR_PLAN = "Our plan"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepBeside:
    """A step of theirs with the one of ours that does the same; `differs` where it is done at other times. For advice
    `advised` is what we advise on the subject, `UNDECIDED` where both do not agree."""

    number: int
    step: OtherStep
    does: str
    ours: Activity | None
    differs: bool
    advised: str = ""
    limits: tuple[Advice, ...] = ()

    @property
    def is_new(self) -> bool:
        """Ours has nothing of it."""
        return self.ours is None and not self.advised


@dataclass(frozen=True, kw_only=True, slots=True)
class GoalBeside:
    """A goal of theirs with the one of ours that aims at the same."""

    goal: OtherGoal
    ours: Goal | None


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Their plan beside ours."""

    plan: OtherPlan
    goals: tuple[GoalBeside, ...]
    steps: tuple[StepBeside, ...]

    @property
    def is_new(self) -> bool:
        """There is something that ours does not have."""
        return any(one.ours is None for one in self.goals) or any(one.is_new for one in self.steps)


def beside(known: Recognition, planning: Planning, plan: Plan, other: OtherPlan) -> Beside:
    """Their plan against ours. Stopped steps of ours do not count: they are not done."""
    running = {one.does: one for one in plan.running}
    advice = advice_of(known, planning, other)
    steps = []
    advised = {one.subject: one.says for one in plan.advice} | {one.subject: UNDECIDED for one in plan.open_conflicts}
    for number, step in enumerate(other.steps):
        if step.advises:
            said = advised.get(step.advises, "")
            read = tuple(one for one in advice if one.says == step.title)
            row = StepBeside(number=number, step=step, does="", ours=None, differs=False, advised=said, limits=read)
            steps.append(row)
            continue
        does = does_of(known, step)
        if not does and step.every is None and (said := _advised(advised, advice, step)):
            steps.append(StepBeside(number=number, step=step, does="", ours=None, differs=False, advised=said))
            continue
        ours = running.get(does) or _taken_before(plan, other, step)
        steps.append(StepBeside(number=number, step=step, does=does, ours=ours, differs=_differs(step, ours)))
    goals = tuple(GoalBeside(goal=one, ours=_same_goal(plan, one)) for one in other.goals)
    return Beside(plan=other, goals=goals, steps=tuple(steps))


def _advised(advised: Mapping[str, str], advice: Iterable[Advice], step: OtherStep) -> str:
    """What we say on the subject that a step is advice on (`Fluid restriction 1.5 L`); empty where it is on none."""
    return next((advised[one.subject] for one in advice if one.says == step.title and one.subject in advised), "")


def _taken_before(plan: Plan, other: OtherPlan, step: OtherStep) -> Activity | None:
    return next((one for one in plan.running if other.key in one.sources and one.title == step.title), None)


def _differs(step: OtherStep, ours: Activity | None) -> bool:
    return ours is not None and step.every is not None and step.times == 1 and step.every.days != ours.every.days


def _same_goal(plan: Plan, goal: OtherGoal) -> Goal | None:
    """The goal that was taken from it, that has its words, or that is measured by the same."""
    measure = goal.measure.removeprefix("http://loinc.org|") if goal.measure.startswith("http://loinc.org|") else ""
    for one in plan.goals:
        if one.key == f"{FROM}{goal.id}" or one.title.casefold() == goal.title.casefold():
            return one
    return next((one for one in plan.goals if measure and one.loinc == measure), None)


def taken(
    known: Recognition, planning: Planning, plan: Plan, other: OtherPlan, steps: Collection[int], goals: Collection[str]
) -> Plan:
    """Our plan with these of their steps (by number) and goals (by id). A step brings the goals that it cites; one that
    cites none cites their plan. What we do already is not doubled: it is said to serve their plan too."""
    found = beside(known, planning, plan, other)
    chosen = [one for one in found.steps if one.number in steps]
    wanted = {*goals, *(cited for one in chosen for cited in one.step.goals)}
    for one in found.goals:
        if one.goal.id in wanted and one.ours is None:
            plan = replace(plan, goals=(*plan.goals, _goal(one.goal)))
    for row in chosen:
        plan = (
            _with_step(planning, plan, other, row) if not row.step.advises else _with_advice(planning, plan, other, row)
        )
    return plan


def _with_advice(planning: Planning, plan: Plan, other: OtherPlan, row: StepBeside) -> Plan:
    """Advice of another installation of ours on a subject that we say nothing on."""
    subject = planning.subjects.get(row.step.advises)
    if row.advised or subject is None:
        return plan
    keys = [one.key for goal in other.goals if goal.id in row.step.goals if (one := _same_goal(plan, goal))]
    read = next((one for one in row.limits if one.subject == subject.id), None)
    fresh = Kept(
        subject=subject.id,
        title=subject.title,
        says=row.step.title,
        patient=row.step.patient or row.step.title,
        plans=(OURS, other.key),
        goals=tuple(keys),
        at_least=read.at_least if read else None,
        at_most=read.at_most if read else None,
        choose=read.choose if read else None,
    )
    return replace(plan, advice=(*plan.advice, fresh))


def _goal(goal: OtherGoal) -> Goal:
    loinc = goal.measure.removeprefix("http://loinc.org|") if goal.measure.startswith("http://loinc.org|") else None
    return Goal(
        key=f"{FROM}{goal.id}",
        title=goal.title,
        patient=goal.title,
        within_days=90,
        loinc=loinc,
        unit=goal.unit or None,
    )


def _with_step(planning: Planning, plan: Plan, other: OtherPlan, row: StepBeside) -> Plan:
    cited = [one.key for goal in other.goals if goal.id in row.step.goals if (one := _same_goal(plan, goal))]
    if not cited:
        own = Goal(key=other.key, title=f"{other.title}, {other.source}", patient=other.title, within_days=90)
        cited = [own.key]
        if own.key not in {one.key for one in plan.goals}:
            plan = replace(plan, goals=(*plan.goals, own))
    if row.ours is not None:
        serves = replace(
            row.ours,
            goals=tuple(dict.fromkeys((*row.ours.goals, *cited))),
            sources=tuple(dict.fromkeys((*row.ours.sources, other.key))),
        )
        same = tuple(serves if one.does == row.ours.does else one for one in plan.activities)
        return replace(plan, activities=same)
    fresh = _activity(planning, other, row, tuple(cited))
    others = tuple(one for one in plan.activities if one.does != fresh.does)
    return replace(plan, activities=(*others, fresh))


def _activity(planning: Planning, other: OtherPlan, row: StepBeside, goals: tuple[str, ...]) -> Activity:
    """Their step as one of ours: what our library knows of it (minutes, owner, what shows it) is taken from there.
    Where nothing says who does it, a coordinator sees to it."""
    step = row.step
    library = [
        one for template in planning.templates.values() for one in template.interventions if one.does == row.does
    ]
    asked = library[0] if library else None
    every = step.every or (asked.every if asked else Interval(0))
    title = step.title if step.times == 1 else f"{step.title}, {step.times} times"
    return Activity(
        does=row.does or f"own/{other.id}-{row.number}",
        title=title,
        patient=step.patient or (asked.patient if asked else title),
        every=every,
        minutes=step.minutes if step.minutes is not None else asked.minutes if asked else 10,
        owner=_owner(planning, step, asked),
        goals=goals,
        sources=(other.key,),
        loinc=asked.loinc if asked else None,
        encounter=asked.encounter if asked else None,
        review_days=asked.review_days if asked else 90,
    )


def _owner(planning: Planning, step: OtherStep, asked: Intervention | None) -> str:
    if step.by_patient:
        return "patient"
    if step.owner in planning.owners:
        return step.owner
    return asked.owner if asked else "coordinator"


def outside_advice(known: Recognition, planning: Planning, plan: Plan, others: Iterable[OtherPlan]) -> list[Advice]:
    """What plans of others that hold now say on our subjects, and how often they do what we do at other times."""
    found = []
    for other in others:
        if other.holds:
            found += advice_of(known, planning, other)
            found += _timings(beside(known, planning, plan, other))
    return found


def _timings(found: Beside) -> Iterator[Advice]:
    for one in found.steps:
        if one.differs and one.ours is not None and one.step.every is not None:
            says = f"{one.step.title}, {one.step.every.words}"
            yield Advice(
                plan=found.plan.key,
                subject=f"{TIMING}{one.ours.does}",
                says=says,
                patient=says,
                goal=one.ours.goals[0],
                ref=found.plan.ref,
                mark="",
                choose=one.step.every.text,
            )


def held_against(planning: Planning, plan: Plan, outside: Sequence[Advice], settled: Sequence[Settled]) -> Plan:
    """Our plan with what others say held against it. A decision stands while the sides are those that it was about."""
    before = {one.subject: one for one in plan.conflicts}
    words = {one.subject: one for one in settled}
    plan = _ours_alone(planning, plan)
    by_subject: dict[str, list[Advice]] = {}
    for one in outside:
        by_subject.setdefault(one.subject, []).append(one)
    for subject, theirs in by_subject.items():
        ours = _our_sides(plan, subject)
        sides = (*ours, *theirs)
        if len({(one.at_least, one.at_most, one.choose) for one in sides}) == 1:
            continue
        word = words.get(subject)
        known = before.get(subject)
        same = known is None or {one.says for one in known.sides} == {one.says for one in sides}
        valid = word if word and same and word.plan in {one.plan for one in sides} else None
        conflict = Conflict(subject=subject, title=_title(planning, plan, subject), sides=sides, settled=valid)
        plan = _with_conflict(plan, conflict)
    return plan


def with_their_times(plan: Plan, conflict: Conflict, word: Settled) -> Plan:
    """How often as the other plan says it, where that is what was decided; the reason stays with the step."""
    side = next((one for one in conflict.sides if one.plan == word.plan), None)
    if side is None or side.plan == OURS or not side.choose or not conflict.subject.startswith(TIMING):
        return plan
    does, every = conflict.subject.removeprefix(TIMING), Interval.of(side.choose)
    return replace(
        plan,
        activities=tuple(
            replace(one, every=every, changed=word.why or "As another plan says") if one.does == does else one
            for one in plan.activities
        ),
    )


def _ours_alone(planning: Planning, plan: Plan) -> Plan:
    """As it would be if nobody else had a plan."""
    conflicts: list[Conflict] = []
    advice = {one.subject: one for one in plan.advice if not _is_outside(one.plans[0] if one.plans else "")}
    for one in plan.conflicts:
        if one.subject.startswith(TIMING):
            continue
        ours = tuple(side for side in one.sides if not _is_outside(side.plan))
        subject = planning.subjects.get(one.subject)
        if subject is not None and len(ours) > 1 and in_conflict(subject.kind, ours):
            word = one.settled if one.settled and not _is_outside(one.settled.plan) else None
            conflicts.append(replace(one, sides=ours, settled=word))
        elif ours and one.subject not in advice:
            advice[one.subject] = kept(one.title, ours)
    order = [name for name in planning.subjects if name in advice]
    return replace(plan, conflicts=tuple(conflicts), advice=tuple(advice[name] for name in order))


def _is_outside(plan: str) -> bool:
    return plan.startswith(FROM)


def _our_sides(plan: Plan, subject: str) -> tuple[Advice, ...]:
    if subject.startswith(TIMING):
        own = next((one for one in plan.running if one.does == subject.removeprefix(TIMING)), None)
        if own is None:
            return ()
        says = f"{own.title}, {own.every.words}"
        return (_side(OURS, subject, says, own.goals[0] if own.goals else "", choose=own.every.text),)
    standing = next((one for one in plan.conflicts if one.subject == subject), None)
    if standing is not None:
        return standing.sides
    held = next((one for one in plan.advice if one.subject == subject), None)
    return (_from_kept(held),) if held is not None else ()


def _side(plan: str, subject: str, says: str, goal: str, *, choose: str) -> Advice:
    return Advice(plan=plan, subject=subject, says=says, patient=says, goal=goal, ref=_OUR_PLAN, mark="", choose=choose)


def _from_kept(one: Kept) -> Advice:
    return Advice(
        plan=one.plans[0] if one.plans else OURS, subject=one.subject, says=one.says, patient=one.patient,
        goal=one.goals[0] if one.goals else "", ref=_OUR_PLAN, mark="", at_least=one.at_least, at_most=one.at_most,
        choose=one.choose,
    )  # fmt: skip


def _title(planning: Planning, plan: Plan, subject: str) -> str:
    if subject in planning.subjects:
        return planning.subjects[subject].title
    does = subject.removeprefix(TIMING)
    return f"How often: {next((one.title for one in plan.running if one.does == does), does)}"


def _with_conflict(plan: Plan, conflict: Conflict) -> Plan:
    """What is undecided is advised to nobody; what was decided is what its side says."""
    subject = conflict.subject
    advice = [one for one in plan.advice if one.subject != subject]
    if conflict.settled is not None and not subject.startswith(TIMING):
        held = [one for one in conflict.sides if one.plan == conflict.settled.plan]
        advice.append(kept(conflict.title, held))
    others = [one for one in plan.conflicts if one.subject != subject]
    return replace(plan, conflicts=(*others, conflict), advice=tuple(advice))
