"""The sentences of a loop's history: why it opened, what risk it has, what proved each step, why it ended."""

from careloop.loops.model import Explanation, LoopState, Status, StepState
from careloop.loops.rules.calendar import Deadline, words_of, zone_named
from careloop.loops.rules.case import Case
from careloop.loops.rules.opening import Anchor
from careloop.loops.rules.pathways import Pathway

_MOST = 120


def opened_because(case: Case) -> Explanation:
    """Which fact opened the loop."""
    local = case.anchor.at.astimezone(zone_named(case.zone))
    return Explanation(
        at=case.anchor.at,
        text=f"Opened: {case.anchor.says}, {words_of(local.date())} {local:%H:%M}",
        rule=case.anchor.rule,
        source=case.anchor.source,
    )


def about(case: Case) -> str:
    """The opening fact in a few words, for lists: `Home since Fri 20 Nov, heart failure`."""
    local = case.anchor.at.astimezone(zone_named(case.zone))
    what = case.anchor.fact.says if case.anchor.fact else ""
    line = case.pathway.line.replace("{day}", words_of(local.date())).replace("{what}", _shortened(what))
    reason = _shortened(case.anchor.stay.reason) if case.anchor.stay else ""
    return ", ".join(part for part in (line, reason) if part)


def _shortened(text: str) -> str:
    """At most so many characters as a row has room for, cut between words, and it shows that it is cut."""
    if len(text) <= _MOST:
        return text
    return f"{text[:_MOST].rpartition(' ')[0] or text[:_MOST]}…"


def window_over(pathway: Pathway, anchor: Anchor, deadline: Deadline) -> Explanation:
    """Why a fact that came too late opens nothing."""
    day = words_of(deadline.due.date())
    text = f"window-over: {pathway.title} was not opened, its time ended {day} {deadline.due.year}"
    return Explanation(at=anchor.at, text=text, rule=pathway.window_rule, source=anchor.source)


def story_of(pathway: Pathway, state: LoopState) -> tuple[Explanation, ...]:
    """Everything after the opening, in order of time."""
    said = [Explanation(at=state.opened, text=f"Ends {_when(state)}", rule=pathway.window_rule)]
    if pathway.tiered:
        said.append(Explanation(at=state.opened, text=f"Risk {state.tier.value}: {state.tier_because}", rule="TR-31"))
    for step in state.steps:
        said += _step_story(pathway, step)
    if state.closed is not None:
        said.append(_closing(state))
    return tuple(sorted(said, key=lambda item: item.at))


def _when(state: LoopState) -> str:
    return f"{words_of(state.deadline.date())}: {state.deadline_because}"


def _step_story(pathway: Pathway, step: StepState) -> list[Explanation]:
    found = pathway.step(step.step_id)
    rule, title = (found.due.rule, found.title) if found else ("", step.step_id)
    said = [
        Explanation(at=attempt.at, text=f"{title}: {attempt.says}", rule="TR-22", source=attempt.reference)
        for attempt in step.attempts
    ]
    said += [
        Explanation(at=proof.at, text=f"{title}: {proof.says}", rule=rule, source=proof.reference)
        for proof in step.evidence
    ]
    if step.closure is not None and step.closure.note and step.closure.by:
        said.append(Explanation(at=step.closure.at, text=f"{title}: {step.closure.reason}", rule="engine.md §1.3"))
    said += [
        Explanation(at=item.at, text=f"{title}: now also with {item.to_role}", rule=rule) for item in step.escalations
    ]
    return said


def _closing(state: LoopState) -> Explanation:
    assert state.closed is not None
    if state.status is Status.COMPLETED:
        return Explanation(at=state.closed, text="Closed: every step has its proof", rule="engine.md §1.3")
    reason = state.closure.reason if state.closure else "other"
    note = f" ({state.closure.note})" if state.closure and state.closure.note else ""
    return Explanation(at=state.closed, text=f"Ended: {reason}{note}", rule="engine.md §1.7")
