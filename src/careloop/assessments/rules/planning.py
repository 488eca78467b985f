"""What a check-in still has to ask of whom: what is unknown, stale, or contradictory; all else is shown. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from careloop.assessments.model import About, Answer, CheckIn, Content, In, Instrument, Item, OwnItem, Said, Section
from careloop.assessments.rules.comparing import add_span
from careloop.assessments.rules.scoring import is_asked, score

UNKNOWN, STALE, CONTRADICTORY, SINGLE = "unknown", "stale", "contradictory", "asked"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of one thing: the newest answers, newest first; several that differ contradict each other."""

    said: tuple[Said, ...] = ()

    @property
    def last(self) -> Said | None:
        """The newest answer."""
        return self.said[0] if self.said else None


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """A score that stands: of which instrument, when, its words."""

    instrument: str
    at: datetime
    words: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the record knows that decides what is asked. `known` is by linkId; `scores` are the newest by instrument;
    `contradictions` are rules with an open contradiction."""

    about: About
    now: datetime
    known: Mapping[str, Known]
    scores: Mapping[str, Fresh]
    contradictions: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One question on one page. `why`: unknown, stale, contradictory, or asked on purpose."""

    link: str
    section: str
    title: str
    why: str
    item: Item | None = None
    own: OwnItem | None = None
    last: Said | None = None

    @property
    def private(self) -> bool:
        """True for a question that is asked only of a person who is alone (AS-09)."""
        return self.item is not None and self.item.private

    @property
    def crisis(self) -> bool:
        """True where the crisis line belongs on the page (AS-05)."""
        return self.item is not None and self.item.crisis


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What is known and need not be asked, with the step that asks it all the same where somebody says it changed."""

    step: Step
    said: Said


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section as it is for this person."""

    section: Section
    steps: tuple[Step, ...]
    shown: tuple[Shown, ...] = ()
    stands: Fresh | None = None


def plan(
    checkin: CheckIn, content: Content, facts: Facts, answers: Mapping[str, Answer], reopened: Collection[str] = ()
) -> tuple[Part, ...]:
    """The sections that concern this person with what each has to ask now. `answers` are those of this check-in, by
    linkId; `reopened` are links of known answers that somebody said are right no more."""
    parts = [_part(one, content, facts, answers, reopened) for one in checkin.sections if _concerns(one, facts)]
    return tuple(one for one in parts if one.steps or one.shown or one.stands)


def of_instrument(instrument: Instrument, content: Content, facts: Facts, answers: Mapping[str, Answer]) -> Part:
    """The same for one instrument that is asked on purpose, with the one that its score calls for (AS-06)."""
    ask = next((one.ask for one in instrument.actions if one.ask), None)
    cut = instrument.positive.at_least if instrument.positive and ask else None
    section = Section(
        id=instrument.id,
        title=instrument.title,
        by=instrument.by,
        script=instrument.script,
        instrument=instrument.id,
        then=(ask, cut) if ask and cut is not None else None,
    )
    return Part(section=section, steps=tuple(_asked(section, content, facts, answers, SINGLE)))


def open_steps(
    parts: Sequence[Part],
    who: str,
    answered: Collection[str],
    *,
    skipped: Collection[str] = (),
    only: Collection[str] = (),
) -> list[Step]:
    """What `who` (patient, caregiver, staff) still has to be asked, in order. `only`: the sections given to them."""
    mine = [one for one in parts if who in one.section.by and (not only or one.section.id in only)]
    done = {*answered, *skipped}
    return [step for part in mine for step in part.steps if step.link not in done and _may_answer(step, who)]


def _may_answer(step: Step, who: str) -> bool:
    """Questions about violence are for the person alone, never for a caregiver (AS-09)."""
    return not (step.private and who == "caregiver")


def _concerns(section: Section, facts: Facts) -> bool:
    if section.from_age is None or facts.about.born is None:
        return True
    return age_on(facts.about.born, facts.now.date()) >= section.from_age


def age_on(born: date, day: date) -> int:
    """Whole years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _part(
    section: Section, content: Content, facts: Facts, answers: Mapping[str, Answer], reopened: Collection[str]
) -> Part:
    if section.instrument is not None:
        stands = _standing(section, facts)
        if stands is not None and not _begun(section, answers) and f"{section.id}/again" not in reopened:
            return Part(section=section, steps=(), stands=stands)
        why = STALE if section.instrument in facts.scores else UNKNOWN
        return Part(section=section, steps=tuple(_asked(section, content, facts, answers, why)))
    steps: list[Step] = []
    shown: list[Shown] = []
    for item in section.items:
        link = f"{section.id}/{item.id}"
        known = facts.known.get(link, Known())
        reason = _why(item, known, facts)
        step = Step(link=link, section=section.id, title=section.title, why=reason or STALE, own=item, last=known.last)
        if reason is not None or link in reopened:
            steps.append(step)
        elif known.last is not None:
            shown.append(Shown(step=step, said=known.last))
    return Part(section=section, steps=tuple(steps), shown=tuple(shown))


def _begun(section: Section, answers: Mapping[str, Answer]) -> bool:
    return any(link.startswith(f"{section.instrument}/") for link in answers)


def _standing(section: Section, facts: Facts) -> Fresh | None:
    """The score that makes asking again needless."""
    for name in (section.instrument, section.unless_fresh):
        found = facts.scores.get(name or "")
        if found is not None and add_span(found.at, section.every) > facts.now:
            return found
    return None


def _why(item: OwnItem, known: Known, facts: Facts) -> str | None:
    """Why an own item is asked; None where what is known holds."""
    if known.last is None:
        return UNKNOWN
    if not item.contradicted_by.isdisjoint(facts.contradictions) or _differ(item, known, facts):
        return CONTRADICTORY
    return STALE if add_span(known.last.at, item.fresh) <= facts.now else None


def _differ(item: OwnItem, known: Known, facts: Facts) -> bool:
    """True where two people gave different answers that both would still hold."""
    if not item.choices or item.kind == "confirm":
        return False
    holding = [one for one in known.said if add_span(one.at, item.fresh) > facts.now]
    newest = {one.by: one.answer.codes for one in reversed(holding)}
    return len(set(newest.values())) > 1


def _asked(section: Section, content: Content, facts: Facts, answers: Mapping[str, Answer], why: str) -> list[Step]:
    instrument = content.instruments.get(section.instrument or "")
    if instrument is None or not instrument.can_be_asked:
        return []
    steps = _steps(instrument, section, facts, answers, why)
    if section.then is not None and (further := content.instruments.get(section.then[0])) is not None:
        total = score(instrument, _of(instrument, answers), sex=facts.about.sex).total
        if total is not None and total >= section.then[1]:
            seen = {step.item.loinc for step in steps if step.item}
            more = _steps(further, section, facts, answers, why)
            steps += [one for one in more if one.item is None or one.item.loinc is None or one.item.loinc not in seen]
    return steps


def _steps(
    instrument: Instrument, section: Section, facts: Facts, answers: Mapping[str, Answer], why: str
) -> list[Step]:
    mine = _of(instrument, answers)
    found = []
    for item in instrument.items:
        if is_asked(item, mine) and not _is_spared(item.unless, mine):
            link = f"{instrument.id}/{item.id}"
            last = facts.known.get(link, Known()).last
            found.append(Step(link=link, section=section.id, title=section.title, why=why, item=item, last=last))
    return found


def _is_spared(condition: In | None, answers: Mapping[str, Answer]) -> bool:
    if condition is None or condition.item not in answers:
        return False
    return not condition.codes.isdisjoint(answers[condition.item].codes)


def _of(instrument: Instrument, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """The answers of one instrument by item, also those that another one asked in the same words: PHQ-2 in PHQ-9."""
    begin = f"{instrument.id}/"
    return {link.removeprefix(begin): answer for link, answer in answers.items() if link.startswith(begin)}
