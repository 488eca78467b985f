"""What changed between two wordings of a plan, in plain words (features 13)."""

from collections.abc import Iterator

from careloop.careplans.model import Activity, Change, Plan


def changes(before: Plan, after: Plan) -> tuple[Change, ...]:
    """Every difference once, in the order of the plan; nothing where both say the same."""
    return (*_goals(before, after), *_activities(before, after), *_advice(before, after))


def _goals(before: Plan, after: Plan) -> Iterator[Change]:
    old, new = ({one.key: one for one in plan.goals} for plan in (before, after))
    for key, goal in new.items():
        if key not in old:
            yield Change(what="added", says=f"New goal: {goal.title}")
        elif old[key].title != goal.title:
            yield Change(what="changed", says=f"Goal: {goal.title} (was: {old[key].title})")
    for key, goal in old.items():
        if key not in new:
            yield Change(what="gone", says=f"No longer a goal: {goal.title}")


def _activities(before: Plan, after: Plan) -> Iterator[Change]:
    old, new = ({one.does: one for one in plan.activities} for plan in (before, after))
    for does, one in new.items():
        was = old.get(does)
        if was is None:
            if not one.stopped:
                yield Change(what="added", says=f"{one.title}, {one.every.words}")
        elif one.stopped and not was.stopped:
            yield Change(what="stopped", says=f"{one.title}: {one.stopped}")
        elif was.stopped and not one.stopped:
            yield Change(what="added", says=f"{one.title} again, {one.every.words}")
        else:
            yield from _changed(was, one)
    for does, was in old.items():
        if does not in new and not was.stopped:
            yield Change(what="gone", says=was.title)


def _changed(was: Activity, one: Activity) -> Iterator[Change]:
    parts = []
    if was.every != one.every:
        parts.append(f"{one.every.words} (was {was.every.words})")
    if was.owner != one.owner:
        parts.append(f"by the {one.owner.replace('-', ' ')} (was the {was.owner.replace('-', ' ')})")
    if was.title != one.title:
        parts.append(f"was called {was.title}")
    if parts:
        yield Change(what="changed", says=f"{one.title}: {', '.join(parts)}")


def _advice(before: Plan, after: Plan) -> Iterator[Change]:
    old, new = ({one.subject: one for one in plan.advice} for plan in (before, after))
    for subject, one in new.items():
        was = old.get(subject)
        if was is None:
            yield Change(what="added", says=one.says)
        elif was.says != one.says:
            yield Change(what="changed", says=f"{one.title}: {one.says} (was: {was.says})")
    for subject, was in old.items():
        if subject not in new:
            yield Change(what="gone", says=was.says)
