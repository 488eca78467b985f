"""Visits that did not happen (RF-04), and patients whom nobody can reach (worked case 8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from careloop.loops.rules.calendar import Calendar, Deadline
from careloop.loops.rules.referrals.clocks import add_span
from careloop.loops.rules.referrals.content import Tables


class AfterNoShow(StrEnum):
    """What follows a visit to which the patient did not come."""

    RECONTACT = "recontact"
    """Somebody talks with the patient and asks what kept them away."""
    CLINICIAN = "clinician"
    """The clinician decides; nothing closes by itself."""


@dataclass(frozen=True, kw_only=True)
class NoShow:
    """What to do, until when."""

    does: AfterNoShow
    number: int
    deadline: Deadline


def after_no_show(tables: Tables, number: int, noticed: datetime, zone: str, calendar: Calendar) -> NoShow:
    """The first: recontact within 2 business days and ask for the barrier. From the second on the clinician decides; a
    referral is never closed by counting (RF-04)."""
    clinician = number >= tables.no_shows
    span = tables.no_show_decision if clinician else tables.recontact
    does = AfterNoShow.CLINICIAN if clinician else AfterNoShow.RECONTACT
    return NoShow(does=does, number=number, deadline=add_span(noticed, span, zone, calendar))


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try of the recipient to reach the patient: on which day, by which way."""

    day: date
    channel: str


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whether a patient counts as not to be reached; the sentences say what is missing until then."""

    is_unable: bool
    missing: tuple[str, ...] = ()


def unable_to_reach(tables: Tables, attempts: Sequence[Attempt]) -> Reach:
    """Three attempts on two channels over at least ten days, first to last (worked case 8)."""
    if not attempts:
        return Reach(is_unable=False, missing=("no attempt yet",))
    days = (max(one.day for one in attempts) - min(one.day for one in attempts)).days
    channels = len({one.channel for one in attempts})
    missing = []
    if len(attempts) < tables.attempts:
        missing.append(f"{tables.attempts - len(attempts)} more attempts")
    if channels < tables.channels:
        missing.append("another way to reach them")
    if days < tables.attempt_days:
        missing.append(f"{days} of {tables.attempt_days} days")
    return Reach(is_unable=not missing, missing=tuple(missing))
