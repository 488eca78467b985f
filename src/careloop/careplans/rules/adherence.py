"""How far the steps of a plan are kept to, and whose matter it is where they are not (features 20)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from careloop.careplans.model import Activity, Adherence, Done, Planning, Whose


def adherence(activity: Activity, since: date, until: date, told: Sequence[Done]) -> Adherence:
    """From `since` to `until`, both days included; the last is not over and asks nothing yet.

    A day counts once, however often it was told. What is done once is expected once; it is known only where something
    would show it or somebody said it.
    """
    mine = [one for one in told if one.does == activity.does and since <= one.on <= until]
    done = {one.on for one in mine if one.reason is None}
    days = (until - since).days
    expected = 1 if activity.every.once else int(days / activity.every.days)
    return Adherence(
        does=activity.does,
        title=activity.title,
        expected=max(expected, 0),
        done=len(done),
        known=bool(mine) or activity.loinc is not None or activity.encounter is not None,
        reasons=tuple(sorted(Counter(one.reason for one in mine if one.reason is not None).items())),
    )


def by_whose(planning: Planning, found: Iterable[Adherence]) -> dict[Whose, int]:
    """How often the patient, the practice or the system was why something was not done."""
    counts = dict.fromkeys(Whose, 0)
    for one in found:
        for reason, number in one.reasons:
            if reason in planning.reasons:
                counts[planning.reasons[reason].whose] += number
    return counts
