"""Who is told of a change, and when a person is written to (content/engagement/notices.yaml, NT-01 to NT-13). Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from careloop.engagement.notices.model import Concerned, Event, Kind, Notice, Outcome, Person

IN_TIME, LATE, OTHER, WITHOUT, OPEN, OPEN_LATE, NONE = (
    "in-time", "late", "somebody-else", "without-proof", "open", "open-late", "no-work",
)  # fmt: skip


def told(kind: Kind, event: Event, concerned: Concerned) -> tuple[str, ...]:
    """Everybody who is told, each once. Never who did it themselves, safety excepted (they may be alone on call);
    never who may not see the patient (NT-12)."""
    named = [person for word in kind.words(event.pathway) for person in _people(word, event, concerned) if person]
    there = [_there(person, concerned) for person in named]
    chosen = [one for one in there if one in concerned.may_see and (kind.safety or one != event.by)]
    return tuple(dict.fromkeys(chosen))


def _people(word: str, event: Event, concerned: Concerned) -> Sequence[str]:
    """`owner`: who has the loop now; `whom`: whom the change names, else the owner; `lead`: the patient's lead
    coordinator; `on-call`: who is on call, else the lead of the queue."""
    match word:
        case "owner":
            return [event.owner or event.whom]
        case "whom":
            return [event.whom or event.owner]
        case "lead":
            return [concerned.lead]
        case _:
            return concerned.on_call or [concerned.queue_lead]


def _there(person: str, concerned: Concerned) -> str:
    """The person, their cover while they are away, the lead of the queue where nobody has it."""
    if person == concerned.queue or not person.startswith("Practitioner/"):
        return concerned.queue_lead
    return concerned.cover.get(person, person)


def way_of(kind: Kind, chosen: str | None) -> str:
    """The way that the person chose for the kind; safety is never anything but now."""
    return "now" if kind.safety else chosen or kind.way


def is_quiet(person: Person, now: datetime, zone: ZoneInfo) -> bool:
    """True in the hours in which the person is not to be written to."""
    here = now.astimezone(zone).time()
    if person.quiet_from <= person.quiet_until:
        return person.quiet_from <= here < person.quiet_until
    return here >= person.quiet_from or here < person.quiet_until


def mail_now(person: Person, waiting: Sequence[Notice], pause: timedelta, now: datetime, zone: ZoneInfo) -> bool:
    """One e-mail leaves now: for safety always, else outside quiet hours and not soon after the last (NT-13)."""
    urgent = [one for one in waiting if one.way == "now"]
    if not person.address or not urgent:
        return False
    if any(one.safety for one in urgent):
        return True
    return not is_quiet(person, now, zone) and (person.last_mail is None or now - person.last_mail >= pause)


def digest_now(person: Person, waiting: Sequence[Notice], now: datetime, zone: ZoneInfo) -> bool:
    """The e-mail of the day leaves: its time has come, and there is something for it."""
    here = now.astimezone(zone)
    due = here.time() >= person.digest_at and (person.last_digest is None or person.last_digest < here.date())
    return bool(person.address) and due and any(one.way == "digest" for one in waiting)


def became(outcome: Outcome, person: str, now: datetime) -> str:
    """What became of the matter, for the page "notices you ignored"."""
    if outcome.number is None:
        return NONE
    if outcome.ended is None:
        return OPEN_LATE if outcome.due is not None and outcome.due < now else OPEN
    if not outcome.proof:
        return WITHOUT
    if outcome.due is not None and outcome.ended > outcome.due:
        return LATE
    return OTHER if outcome.by != person else IN_TIME
