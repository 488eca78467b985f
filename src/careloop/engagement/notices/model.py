"""Kinds, events, notices, choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

WAYS: Mapping[str, str] = {
    "now": "In the product and by e-mail at once",
    "product": "In the product",
    "digest": "In the product and in one e-mail a day",
    "off": "Turned down: kept, not shown",
}
"""Ways of being told, as people choose them."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One sort of change. `to` are words of the communication pathway, `by_pathway` those of some pathways. An unseen
    notice of a kind in `joins` takes a change of this kind along."""

    id: str
    title: str
    says: str
    to: tuple[str, ...]
    way: str
    rule: str
    safety: bool
    joins: tuple[str, ...]
    by_pathway: Mapping[str, tuple[str, ...]]

    def words(self, pathway: str) -> tuple[str, ...]:
        """Whom a change of this kind on that pathway is told to."""
        return self.by_pathway.get(pathway, self.to)


@dataclass(frozen=True, kw_only=True)
class NoticeRules:
    """`content/engagement/notices.yaml` as values."""

    kinds: Mapping[str, Kind]
    history: timedelta
    mail_pause: timedelta
    ignored_after: timedelta
    rules: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """A change that may need somebody. References are `Practitioner/..` or a queue. `again`: what is said in place of
    `says` where the thing had been over before (state `out`)."""

    at: datetime
    kind: str
    patient_id: str
    thing: str
    state: str
    says: str
    loop_id: str | None = None
    step_id: str = ""
    whom: str = ""
    by: str = ""
    again: str = ""


@dataclass(frozen=True, kw_only=True)
class Event(NewEvent):
    """An event that is written. `pathway` and `owner` are of its loop as it stands now."""

    id: int
    pathway: str = ""
    focus: str = ""
    owner: str = ""


@dataclass(frozen=True, kw_only=True)
class Concerned:
    """Who there is to be told. `cover`: who stands in for somebody who is away, by reference. `queue_lead` answers for
    what the queue holds. `may_see`: everybody who may see the patient."""

    lead: str
    on_call: tuple[str, ...]
    queue: str
    queue_lead: str
    cover: Mapping[str, str]
    may_see: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Where and when somebody is written to; times are of the practice. Without an address nobody is mailed."""

    person: str
    address: str = ""
    digest_at: time = time(7, 30)
    quiet_from: time = time(19, 0)
    quiet_until: time = time(7, 0)
    last_mail: datetime | None = None
    last_digest: date | None = None
    failed: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What one person is told. `says` are the changes it stands for, the newest first."""

    id: str
    person: str
    card: str
    kind: str
    patient_id: str
    loop_id: str | None
    step_id: str
    safety: bool
    way: str
    first: datetime
    last: datetime
    seen: datetime | None
    opened: datetime | None
    says: Sequence[str] = ()
    changes: int = 0


@dataclass(frozen=True, kw_only=True)
class OnCall:
    """Somebody is on call."""

    id: str
    person: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the matter of a notice that nobody opened. `by`: who owned it when it closed."""

    kind: str
    notice_id: str
    patient_id: str
    loop_id: str | None
    number: int | None
    status: str
    due: datetime | None
    ended: datetime | None
    proof: bool
    by: str
    last: datetime
