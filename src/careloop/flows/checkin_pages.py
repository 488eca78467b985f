"""Which page of a check-in comes next for whom: what is known, is the person alone, a question, an offer of help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access.model import Principal
from careloop.assessments.model import Need
from careloop.assessments.rules import points
from careloop.assessments.rules.planning import CONTRADICTORY, SINGLE, STALE, UNKNOWN, Part, Shown, Step
from careloop.db import Transaction
from careloop.flows import checkins
from careloop.flows.app import App
from careloop.flows.assessing import HELP
from careloop.flows.checkins import Session, Teller

KNOWN, PRIVATE, QUESTION, OFFER, CRISIS, DONE = "known", "private", "question", "offer", "crisis", "done"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page. `number` of `total` counts questions of this person; `have` are lines of the record beside it."""

    kind: str
    number: int = 0
    total: int = 0
    step: Step | None = None
    part: Part | None = None
    shown: tuple[Shown, ...] = ()
    need: Need | None = None
    have: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    typed: str = ""
    back: str = ""


@dataclass(frozen=True, kw_only=True)
class WhySoMany:
    """Why a check-in asks what it asks: counts of its questions by the reason of each, and of what is known and only
    shown. `parts` are title, left, of how many."""

    total: int
    left: int
    unknown: int
    stale: int
    contradictory: int
    single: int
    known: int
    parts: tuple[tuple[str, int, int], ...]


def why_so_many(session: Session, who: str) -> WhySoMany:
    """How many questions this person is asked, why, and how many are left."""
    mine = [one for one in session.parts if who in one.section.by]
    left = {step.link for step in session.open_for(who)}
    steps = [step for part in mine for step in part.steps]
    count = {why: sum(step.why == why for step in steps) for why in (UNKNOWN, STALE, CONTRADICTORY, SINGLE)}
    return WhySoMany(
        total=len(steps),
        left=len(left),
        unknown=count[UNKNOWN],
        stale=count[STALE],
        contradictory=count[CONTRADICTORY],
        single=count[SINGLE],
        known=sum(len(part.shown) for part in mine),
        parts=tuple(
            (part.section.title, sum(step.link in left for step in part.steps), len(part.steps))
            for part in mine
            if part.steps
        ),
    )


def next_page(session: Session, who: str, *, only: Sequence[str] = (), alone: bool = False, at: str = "") -> Page:
    """The page that comes next; with `at` the page of that question, to change its answer."""
    mine = [one for one in session.parts if who in one.section.by and (not only or one.section.id in only)]
    every = [step for part in mine for step in part.steps if not (step.private and who == "caregiver")]
    total = len(every)
    if at and (step := session.step(at)) is not None and not (step.private and who == "caregiver"):
        return _question(session, step, every, total)
    waiting = {step.link for step in session.open_for(who, only)}
    for part in mine:
        shown = tuple(one for one in part.shown if one.step.link not in session.answers)
        if shown:
            return Page(kind=KNOWN, part=part, shown=shown, total=total)
        for step in part.steps:
            if step.link in waiting and not (step.private and who == "caregiver"):
                if step.private and not alone:
                    return Page(kind=PRIVATE, part=part, step=step, total=total)
                return _question(session, step, every, total)
    offers = [need for need in session.needs if f"offers/{HELP}{need.id}" not in session.answers]
    if offers and who != "caregiver":
        return Page(kind=OFFER, need=offers[0], total=total)
    return Page(kind=DONE, total=total)


def _question(session: Session, step: Step, every: Sequence[Step], total: int) -> Page:
    links = [one.link for one in every]
    place = links.index(step.link) if step.link in links else 0
    answer = session.answers.get(step.link)
    typed = ""
    if answer is not None:
        typed = answer.text if answer.text else "" if answer.number is None else f"{answer.number.normalize():f}"
    return Page(
        kind=QUESTION,
        number=place + 1,
        total=total,
        step=step,
        have=session.knowledge.have.get(step.link, ()),
        chosen=answer.codes if answer else (),
        typed=typed,
        back=links[place - 1] if place > 0 else "",
    )


def act(
    app: App, tx: Transaction, principal: Principal, response_id: str, form: Mapping[str, Any], teller: Teller
) -> tuple[Session, bool]:
    """One page is saved; the check-in as it stands, and True where the answer was one of danger (AS-05)."""
    do, link = str(form.get("do", "answer")), str(form.get("link", ""))
    session = checkins.load(app, tx, response_id)
    if do == "known":
        changed = _listed(form.get("changed"))
        part = next((one for one in session.parts if one.section.id == link), None)
        for one in part.shown if part else ():
            if one.step.link not in session.answers:
                given = {"do": "reopen" if one.step.link in changed else "keep"}
                session = checkins.save(app, tx, principal, response_id, one.step.link, given, teller)
        return session, False
    if do == "skip-private":
        for step in [one for one in session.open_for(teller.who) if one.private]:
            session = checkins.save(app, tx, principal, response_id, step.link, {"do": "skip"}, teller)
        return session, False
    session = checkins.save(app, tx, principal, response_id, link, {**form, "do": do}, teller)
    return session, _is_danger(session, link)


def _is_danger(session: Session, link: str) -> bool:
    step = session.step(link)
    answer = session.answers.get(link)
    if step is None or step.item is None or not step.crisis or answer is None:
        return False
    found = points(step.item, answer)
    return found is not None and found > 0


def _listed(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [value] if value else [])]
