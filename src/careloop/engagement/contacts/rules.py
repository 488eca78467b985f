"""May this contact be made now? Features rows 28 and 46; programme.md CN-07 with cases 13 and 14. Pure.

The order of the rules is the order of their force: safety, promise, the patient's refusal, quiet hours, what the
patient agreed to, the budget; and nothing is put off past the deadline of what it is for.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from careloop.engagement.contacts.model import Budget, Choice, Contact, Tried, Verdict, Wish

SAFETY, PROMISED, BUDGET, QUIET, REFUSED, DEADLINE, SILENCE, AGREED = (
    "CB-01", "CB-02", "CB-03", "CB-04", "CB-05", "CB-06", "CB-07", "CB-10",
)  # fmt: skip


def verdict(
    wish: Wish, contacts: Sequence[Contact], choice: Choice, budget: Budget, now: datetime, zone: ZoneInfo
) -> Verdict:
    """Whether the contact may be made at `now`, where the patient lives in `zone`."""
    spent = len(spent_in(contacts, budget, now))
    medium = way_for(wish.medium, choice, budget)

    def said(rule: str, not_before: datetime | None = None) -> Verdict:
        return Verdict(
            allowed=not_before is None,
            medium=medium,
            rule=rule,
            not_before=not_before,
            spent=spent,
            most=budget.most,
            days=budget.days,
        )

    if wish.safety:
        return said(SAFETY)
    if wish.promised:
        return said(PROMISED)
    free, rule = (now, AGREED) if wish.agreed else (_free_from(contacts, budget, now), BUDGET)
    if medium in budget.quiet_media and (ends := quiet_until(free, budget, zone)) > free:
        free, rule = ends, QUIET if free <= now else BUDGET
    if free <= now:
        return said(REFUSED if medium != wish.medium else rule)
    if wish.deadline is not None and free > wish.deadline:
        awake = quiet_until(now, budget, zone) if medium in budget.quiet_media else now
        return said(QUIET, awake) if now < awake <= wish.deadline else said(DEADLINE)
    return said(rule, free)


def spent_in(contacts: Sequence[Contact], budget: Budget, now: datetime) -> list[Contact]:
    """The contacts of the rolling window, oldest first; what went to a number that does not work disturbed nobody, and
    what the patient agreed to be asked in a rhythm is not counted (CB-10)."""
    since = now - timedelta(days=budget.days)
    mine = [one for one in contacts if since < one.at <= now and not one.failure and not one.agreed]
    return sorted(mine, key=lambda one: (one.at, one.reference))


def _free_from(contacts: Sequence[Contact], budget: Budget, now: datetime) -> datetime:
    """From when on one more contact fits; `now` where it does."""
    spent = spent_in(contacts, budget, now)
    if len(spent) < budget.most:
        return now
    return spent[len(spent) - budget.most].at + timedelta(days=budget.days)


def is_quiet(at: datetime, budget: Budget, zone: ZoneInfo) -> bool:
    """True in the quiet hours of the patient's own place (CN-07)."""
    here = at.astimezone(zone).time()
    if budget.quiet_from <= budget.quiet_until:
        return budget.quiet_from <= here < budget.quiet_until
    return here >= budget.quiet_from or here < budget.quiet_until


def quiet_until(at: datetime, budget: Budget, zone: ZoneInfo) -> datetime:
    """`at`, or the end of the quiet hours that it lies in (case 14: 07:30 becomes 08:00)."""
    if not is_quiet(at, budget, zone):
        return at
    here = at.astimezone(zone)
    ends = here.replace(hour=budget.quiet_until.hour, minute=budget.quiet_until.minute, second=0, microsecond=0, fold=0)
    if here.time() >= budget.quiet_until:
        ends = (ends.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return ends.astimezone(UTC)


def way_for(medium: str, choice: Choice, budget: Budget) -> str:
    """The way itself, or where the patient refused it the first of the others that they did not refuse (case 13). A
    letter stays where everything was refused: it disturbs least, and somebody must be able to write."""
    if medium not in choice.refused:
        return medium
    others = budget.instead.get(medium, ())
    return next((one for one in others if one not in choice.refused), "MAILWRIT")


def silent_tries(contacts: Sequence[Contact], budget: Budget, now: datetime) -> int:
    """CB-07: tries since the last answer by any way, within the days that count, by ways that ask for an answer."""
    since = now - timedelta(days=budget.silent_days)
    tries = 0
    for one in sorted(contacts, key=lambda one: (one.at, one.reference), reverse=True):
        if one.answered or one.at <= since:
            break
        tries += one.at <= now and one.medium in budget.silent_media
    return tries


def is_silent(contacts: Sequence[Contact], budget: Budget, now: datetime) -> bool:
    """True where so many tries in a row had no answer that the silence itself says something."""
    return silent_tries(contacts, budget, now) >= budget.silent_tries


def tried(contacts: Sequence[Contact], budget: Budget, now: datetime, zone: ZoneInfo) -> list[Tried]:
    """CB-09: how often somebody answered, by band and way, best first; only what happened in the days that count."""
    since = now - timedelta(days=budget.learn_days)
    counts: dict[tuple[str, str], list[bool]] = {}
    for one in contacts:
        band = _band_of(one.at, budget, zone)
        if band is not None and since < one.at <= now and not one.failure:
            counts.setdefault((band, one.medium), []).append(one.answered)
    titles: Mapping[str, str] = {band.id: band.title for band in budget.bands}
    found = [
        Tried(band=band, title=titles[band], medium=medium, reached=sum(answers), tries=len(answers))
        for (band, medium), answers in counts.items()
    ]
    order = [band.id for band in budget.bands]
    return sorted(found, key=lambda one: (-one.reached / one.tries, -one.tries, order.index(one.band), one.medium))


def best(counts: Sequence[Tried], budget: Budget) -> Tried | None:
    """The hour and way with the best share of answers, of those tried often enough; None while nothing is known."""
    known = [one for one in counts if one.tries >= budget.learn_least and one.reached]
    return known[0] if known else None


def _band_of(at: datetime, budget: Budget, zone: ZoneInfo) -> str | None:
    here = at.astimezone(zone).time()
    return next((band.id for band in budget.bands if band.starts <= here < band.ends), None)
