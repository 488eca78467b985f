"""Several plans of one person as one (features 12): the same thing once, tests in one draw, conflicts with both sides.

The order in which plans are given does not matter, and giving one twice changes nothing (property tests). Nothing is
settled here: what two plans say differently goes to a clinician, who decides which holds.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from careloop.careplans.model import (
    Activity,
    Advice,
    Batch,
    Conflict,
    Interval,
    Intervention,
    Kept,
    Merged,
    Planning,
    Settled,
    SubjectKind,
    Template,
)


def merge(planning: Planning, chosen: Iterable[str], settled: Sequence[Settled] = ()) -> Merged:
    """The plans named (unknown names are left out) as one. `settled` are conflicts that a clinician has decided; a
    decision for a plan that no longer takes part is void."""
    templates = [planning.templates[name] for name in sorted(set(chosen)) if name in planning.templates]
    activities = _activities(planning, templates)
    advice, conflicts = _advice(planning, templates, settled)
    return Merged(
        templates=tuple(one.id for one in templates),
        goals=tuple(goal for one in templates for goal in one.goals),
        activities=activities,
        batches=batches(planning, activities),
        advice=advice,
        conflicts=conflicts,
    )


def _activities(planning: Planning, templates: Sequence[Template]) -> tuple[Activity, ...]:
    same: dict[str, list[Intervention]] = {}
    for template in templates:
        for one in template.interventions:
            same.setdefault(one.does, []).append(one)
    order = list(planning.kinds)
    found = [_joined(planning, does, some) for does, some in same.items()]
    return tuple(sorted(found, key=lambda one: (order.index(one.does.split("/")[0]), one.title, one.does)))


def _joined(planning: Planning, does: str, some: Sequence[Intervention]) -> Activity:
    """The words of the plan that needs it most often; the most time and the highest owner of all."""
    often = min(some, key=lambda one: (_spacing(one.every), one.key))
    repeated = [one for one in some if not one.every.once] or list(some)
    return Activity(
        does=does,
        title=often.title,
        patient=often.patient,
        every=min((one.every for one in repeated), key=_spacing),
        minutes=max(one.minutes for one in some),
        owner=min((one.owner for one in some), key=planning.owners.index),
        goals=tuple(sorted({one.goal for one in some})),
        sources=tuple(sorted(one.key for one in some)),
        loinc=next((one.loinc for one in some if one.loinc), None),
        encounter=next((one.encounter for one in some if one.encounter), None),
        review_days=min(one.review_days for one in some),
    )


def _spacing(every: Interval) -> Decimal:
    """Days between two times; what is done once stands behind all that is repeated."""
    return Decimal("Infinity") if every.once else every.days


def batches(planning: Planning, activities: Iterable[Activity]) -> tuple[Batch, ...]:
    """What is done in one go. A test that is due less often takes part in every n-th of them, never later than due."""
    shared: dict[str, list[Activity]] = {}
    for one in activities:
        kind = planning.kinds.get(one.does.split("/")[0])
        if kind is not None and kind.together and not one.stopped:
            shared.setdefault(kind.together, []).append(one)
    found = []
    for name, some in sorted(shared.items()):
        together = planning.together[name]
        every = min((one.every for one in some), key=_spacing)
        found.append(
            Batch(
                id=name,
                title=together.title,
                patient=together.patient,
                every=every,
                minutes=together.minutes,
                each=tuple(sorted((one.does, _nth(one.every, every)) for one in some)),
            )
        )
    return tuple(found)


def _nth(own: Interval, draw: Interval) -> int:
    if own.once or draw.once:
        return 1
    return max(int(own.days / draw.days), 1)


def _advice(
    planning: Planning, templates: Sequence[Template], settled: Sequence[Settled]
) -> tuple[tuple[Kept, ...], tuple[Conflict, ...]]:
    decided = {one.subject: one for one in settled}
    held: list[Kept] = []
    conflicts: list[Conflict] = []
    for subject in planning.subjects.values():
        some = [one for template in templates for one in template.advice if one.subject == subject.id]
        if not some:
            continue
        holding: Sequence[Advice] = some
        if in_conflict(subject.kind, some):
            word = decided.get(subject.id)
            valid = word if word and any(one.plan == word.plan for one in some) else None
            conflicts.append(Conflict(subject=subject.id, title=subject.title, sides=tuple(some), settled=valid))
            if valid is None:
                continue
            holding = [one for one in some if one.plan == valid.plan]
        held.append(kept(subject.title, holding))
    return tuple(held), tuple(conflicts)


def in_conflict(kind: SubjectKind, some: Sequence[Advice]) -> bool:
    """True where not all of it can hold: different choices, different targets, or limits with nothing between them."""
    if kind is SubjectKind.CHOICE:
        return len({one.choose for one in some}) > 1
    if kind is SubjectKind.TARGET:
        return len({(one.at_least, one.at_most) for one in some}) > 1
    low, high = _limits(some)
    return low is not None and high is not None and low >= high


def _limits(some: Sequence[Advice]) -> tuple[Decimal | None, Decimal | None]:
    """The narrowest limits of all."""
    lows = [one.at_least for one in some if one.at_least is not None]
    highs = [one.at_most for one in some if one.at_most is not None]
    return max(lows, default=None), min(highs, default=None)


def kept(title: str, some: Sequence[Advice]) -> Kept:
    """What holds where these do: the narrowest limits, in the words of those that set them."""
    low, high = _limits(some)
    said = [one for one in some if one.at_most is not None and one.at_most == high]
    said += [one for one in some if one.at_least is not None and one.at_least == low]
    spoken = list(dict.fromkeys(said)) or [some[0]]
    return Kept(
        subject=some[0].subject,
        title=title,
        says="; ".join(dict.fromkeys(one.says for one in spoken)),
        patient=" ".join(dict.fromkeys(one.patient for one in spoken)),
        plans=tuple(dict.fromkeys(one.plan for one in some)),
        goals=tuple(sorted({one.goal for one in some})),
        at_least=low,
        at_most=high,
        choose=some[0].choose,
    )
