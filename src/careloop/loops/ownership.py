"""Who should own a step: pure choice that explains itself (engine.md §3; PG-04).

The order of asking: members of the patient's care team with the role (for the coordinator's work the lead first), the
patient's own physician, the lead in place of a role that the team has not, then of the staff with the role whoever
speaks the patient's language, is licensed where the patient lives and has the fewest minutes of open work; last the
staffed queue. Somebody who is away is replaced by their cover; whoever may not do the work is passed over, with the
reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

Resource = dict[str, object]

ROLE = "urn:careloop:role"
LEAD = "coordinator"
PHYSICIAN = "physician"


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A licence on record: in these states, from and through these dates (None: open)."""

    states: frozenset[str]
    first: date | None = None
    last: date | None = None

    def holds(self, state: str, day: date) -> bool:
        """True in that state on that day."""
        return (
            state in self.states
            and (self.first is None or self.first <= day)
            and (self.last is None or day <= self.last)
        )


@dataclass(frozen=True, kw_only=True)
class Away:
    """Somebody is away until an instant; `cover` does their work meanwhile, if somebody was named. `who` tells them
    from everybody else: the name and the name of their account."""

    who: str
    until: datetime
    cover: str | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Somebody on the staff who could own work. `reference` is `Practitioner/..`.

    `competencies` are valid through these dates, by kind. Without licences on record nothing is known of them.
    """

    reference: str
    name: str
    roles: frozenset[str]
    languages: frozenset[str] = frozenset()
    licences: tuple[Licence, ...] = ()
    competencies: Mapping[str, date] = field(default_factory=dict)
    away: Away | None = None


@dataclass(frozen=True, kw_only=True)
class Need:
    """What the work asks of its owner: to be fit on the due date (PG-04) for each of these competencies, by kind with
    its name in words, and `licensed` there and then. Without a day nothing of it is asked."""

    day: date | None = None
    competencies: Mapping[str, str] = field(default_factory=dict)
    licensed: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The owner, and why in words."""

    owner: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Routing:
    """Everything a choice rests on.

    `team` maps a role to the members of the patient's care team that hold it, in the team's order. `staff` are active
    accounts: those whom the team, the panel or an absence names, and some holders of the role. `loads` are minutes of
    open work; `queue` is the tenant's staffed queue with a named lead. `lead` leads the patient's care, `physician` is
    the patient's own; `state` is where the patient lives, `language` what they speak where it is not English. Without
    `pool` nobody but those whom the patient's arrangements name is asked. `asker` asked for what the work is about.
    """

    team: Mapping[str, Sequence[str]]
    staff: Sequence[Candidate]
    loads: Mapping[str, int]
    queue: str
    lead: str | None = None
    physician: str | None = None
    state: str = ""
    language: str = ""
    pool: bool = True
    asker: str | None = None


def choose_owner(role: str, routing: Routing, need: Need | None = None) -> Choice:
    """The owner of a step that names `role`, and why; never nobody."""
    return _Choosing(role, routing, need or Need()).choice()


def candidates_for(role: str, staff: Sequence[Candidate]) -> list[str]:
    """References of the staff who hold the role, in a fixed order."""
    return sorted(candidate.reference for candidate in staff if role in candidate.roles)


def unfit(candidate: Candidate, role: str, need: Need, state: str) -> str | None:
    """Why this person may not own such work, in words; None for one who may.

    A missing or expired competency (PG-04: on the due date), or licences on record of which none holds where the
    patient lives. A licence is asked of whoever does the work in their own role, not of a stand-in who arranges it.
    """
    if need.day is None:
        return None
    for kind, words in need.competencies.items():
        through = candidate.competencies.get(kind)
        if through is None:
            return f"{words} not on record"
        if through < need.day:
            return f"{words} valid through {_day(through)} only"
    asked = need.licensed and state and role in candidate.roles and candidate.licences
    if asked and not _licensed(candidate, state, need.day):
        return f"not licensed in {state} on {_day(need.day)}"
    return None


def cover_words(who: str, until: datetime) -> str:
    """Why work is with a cover; work whose reason begins so goes back when they return."""
    return f"{covering(who)} until {_day(until.date())}"


def covering(who: str) -> str:
    """How the reason of covered work begins; `who` as in `Away`."""
    return f"covers for {who}, away"


class _Choosing:
    """One choice, with those who were passed over and why."""

    def __init__(self, role: str, routing: Routing, need: Need) -> None:
        self._role = role
        self._routing = routing
        self._need = need
        self._staff = {candidate.reference: candidate for candidate in routing.staff}
        self._passed: dict[str, str] = {}

    def choice(self) -> Choice:
        for reference, why in self._named():
            if chosen := self._fit(reference, why):
                return chosen
        if self._routing.pool and (chosen := self._least_loaded()):
            return chosen
        return Choice(owner=self._routing.queue, why=f"the queue: {self._nobody()}{self._over()}")

    def _nobody(self) -> str:
        held = any(self._role in candidate.roles for candidate in self._staff.values())
        return f"no {self._role} can take it" if held else f"nobody on the staff is {self._role}"

    def _named(self) -> Iterator[tuple[str, str]]:
        """Whom the patient's own arrangements name, each with the reason."""
        role, routing = self._role, self._routing
        asker = self._staff.get(routing.asker or "")
        if asker is not None and role in asker.roles:
            yield asker.reference, "asked for it"
        if role == LEAD and routing.lead:
            yield routing.lead, "lead coordinator of the patient"
        for member in routing.team.get(role, ()):
            yield member, f"{role} of the patient's care team"
        if role == PHYSICIAN and routing.physician:
            yield routing.physician, "the patient's own physician"
        if role != LEAD:
            leads = [routing.lead] if routing.lead and routing.team else []
            for lead in [*leads, *routing.team.get(LEAD, ())]:
                yield lead, f"lead coordinator of the patient; the care team has no {role}"

    def _fit(self, reference: str, why: str) -> Choice | None:
        """The person, or their cover, where they may own it."""
        candidate = self._staff.get(reference)
        if candidate is None:
            return None
        if candidate.away is not None:
            return self._cover(candidate, candidate.away)
        if problem := self._problem(candidate):
            self._passed[candidate.reference] = f"{candidate.name} ({problem})"
            return None
        return Choice(owner=reference, why=why + self._over())

    def _cover(self, candidate: Candidate, away: Away) -> Choice | None:
        cover = self._staff.get(away.cover or "")
        if cover is not None and cover.away is None and not self._problem(cover):
            return Choice(owner=cover.reference, why=cover_words(away.who, away.until))
        self._passed[candidate.reference] = f"{candidate.name} (away until {_day(away.until.date())})"
        return None

    def _least_loaded(self) -> Choice | None:
        free = [one for one in self._staff.values() if self._role in one.roles and one.away is None]
        held = {one.reference: self._problem(one) for one in free}
        fit = [one for one in free if not held[one.reference]]
        if not fit:
            self._passed |= {one.reference: f"{one.name} ({held[one.reference]})" for one in free[:3]}
            return None
        chosen = min(fit, key=self._order)
        return Choice(owner=chosen.reference, why=self._words(chosen) + self._over())

    def _order(self, one: Candidate) -> tuple[bool, bool, int, str]:
        """Language, then a licence on record, then minutes of open work, then a fixed order."""
        return (
            not self._speaks(one),
            not self._is_licensed(one),
            self._routing.loads.get(one.reference, 0),
            one.reference,
        )

    def _words(self, one: Candidate) -> str:
        extra = [f"speaks {self._routing.language}"] if self._routing.language and self._speaks(one) else []
        extra += [f"licensed in {self._routing.state}"] if self._routing.state and self._is_licensed(one) else []
        load = self._routing.loads.get(one.reference, 0)
        told = "".join(f", {part}" for part in extra)
        return f"{self._role} with the least open work ({load} min){told}; the patient's team names none"

    def _problem(self, one: Candidate) -> str | None:
        return unfit(one, self._role, self._need, self._routing.state)

    def _speaks(self, one: Candidate) -> bool:
        return not self._routing.language or self._routing.language in one.languages

    def _is_licensed(self, one: Candidate) -> bool:
        day = self._need.day if self._need.licensed else None
        return day is not None and _licensed(one, self._routing.state, day)

    def _over(self) -> str:
        return f"; passed over: {'; '.join(self._passed.values())}" if self._passed else ""


def _licensed(candidate: Candidate, state: str, day: date) -> bool:
    return any(licence.holds(state, day) for licence in candidate.licences)


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b} {day.year}"


def team_of(care_teams: Sequence[Mapping[str, object]], at: datetime | None = None) -> dict[str, list[str]]:
    """Role to members over the active CareTeam resources of one patient, without those whose period is over by `at`."""
    team: dict[str, list[str]] = {}
    for care_team in care_teams:
        if care_team.get("status", "active") != "active":
            continue
        for participant in _list(care_team.get("participant")):
            member = _mapping(participant.get("member")).get("reference")
            if isinstance(member, str) and member.startswith("Practitioner/") and is_member(participant, at):
                for role in _roles(participant):
                    team.setdefault(role, []).append(member)
    return team


def is_member(participant: Mapping[str, object], at: datetime | None) -> bool:
    """True unless the participant's period has not begun or is over at that instant."""
    if at is None:
        return True
    period = _mapping(participant.get("period"))
    first, last = moment_of(period.get("start"), at), moment_of(period.get("end"), at, end=True)
    return (first is None or first <= at) and (last is None or at < last)


def moment_of(text: object, like: datetime, *, end: bool = False) -> datetime | None:
    """A FHIR dateTime as an instant (a date begins, or with `end` ends, where `like` is); None where there is none."""
    if not isinstance(text, str) or len(text) < 10:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) == 10 and end:
        found = found.replace(hour=23, minute=59, second=59)
    return found if found.tzinfo else found.replace(tzinfo=like.tzinfo)


def _roles(participant: Mapping[str, object]) -> list[str]:
    codings = [coding for concept in _list(participant.get("role")) for coding in _list(concept.get("coding"))]
    return [str(coding["code"]) for coding in codings if coding.get("system") == ROLE and "code" in coding]


def _list(value: object) -> list[Mapping[str, object]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
