"""The care plan as a sheet to print: in the patient's words for them, in ours for those who work with it."""

from collections.abc import Sequence

from careloop.careplans.model import Interval, Party, PlanState
from careloop.engagement.paper.pdf import Block, Bullets, Heading, Line, Sheet, Table, Text
from careloop.flows.plan_pages import GoalBlock, PlanPage

_NOT_AGREED = "This plan is not agreed by all yet."
_WHO = {Party.PATIENT: "The patient", Party.CLINICIAN: "A clinician", Party.LEAD: "The lead"}
_LANGUAGE = "Help in your language is free. Tell us your language when you call."


def for_patient(page: PlanPage, site: str, printed: str) -> Sheet:
    """The plan as the patient takes it home, large and in plain words."""
    blocks: list[Block] = [] if page.state is PlanState.CURRENT else [Text(_NOT_AGREED, bold=True)]
    blocks.append(Heading("What matters to me"))
    blocks += [Text(f"“{one}”") for one in page.matters] or [Line()]
    for block in page.goals:
        if block.steps:
            blocks.append(Heading(block.goal.patient))
            blocks.append(
                Bullets([f"{_sentence(one.activity.patient)} {_often(one.activity.every)}" for one in block.steps])
            )
    if page.lead:
        blocks += [Heading("Who helps me"), Text(f"{page.lead} leads my care team. I can ask them about this plan.")]
    if page.advice:
        blocks += [Heading("Good to know"), Bullets([one.patient for one in page.advice])]
    blocks += [Heading("Who said yes"), Bullets(_agreements(page, patient_is="I"))]
    blocks.append(Text("If a step is too hard, tell us. We can change it. If this is an emergency, call 911."))
    blocks.append(Text(_LANGUAGE))
    footer = [f"If this sheet is not yours, please give it back to {site}."]
    return Sheet(title="My plan", blocks=blocks, header=_header(page, site, printed), footer=footer, size=16)


def for_staff(page: PlanPage, site: str, printed: str) -> Sheet:
    """The plan as those who work with it read it: goals, who does what how often, what is undecided, what it asks of
    the patient, who agreed (BI-04)."""
    blocks: list[Block] = [] if page.state is PlanState.CURRENT else [Text(_NOT_AGREED, bold=True)]
    blocks.append(Heading("What matters"))
    blocks += [Text(f"“{one}”") for one in page.matters] or [Text("Nobody has asked yet.")]
    for block in page.goals:
        if block.steps or not block.goal.key.startswith("own/"):
            blocks += _goal(block)
    if page.advice:
        blocks += [Heading("Advice"), Bullets([one.says for one in page.advice])]
    for conflict in page.plan.open_conflicts:
        sides = [f"{page.names.get(side.plan, side.plan)}: {side.says} ({side.ref})" for side in conflict.sides]
        blocks += [Heading(f"{conflict.title}: a clinician has to decide"), Bullets(sides)]
    blocks.append(Text(f"Lead coordinator: {page.lead or 'nobody yet'}."))
    blocks.append(Heading("What it asks of the patient"))
    blocks.append(Text(f"{page.burden.hours} hours and {page.burden.trips} trips a month."))
    blocks += [Heading("Who agreed"), Bullets(_agreements(page, patient_is=_WHO[Party.PATIENT]))]
    if page.plan.review_by:
        blocks.append(Text(f"Look at it again by {page.plan.review_by:%-d %b %Y}."))
    footer = [f"Confidential. If this is not meant for you, please call {site}."]
    return Sheet(title="Care plan", blocks=blocks, header=_header(page, site, printed), footer=footer)


def _goal(block: GoalBlock) -> Sequence[Block]:
    safety = " (safety)" if block.goal.safety else ""
    head: list[Block] = [Heading(f"{block.goal.title}{safety}")]
    if not block.steps:
        return [*head, Text("Served by steps that stand above.")]
    rows = [
        [
            f"{one.activity.title}{f' ({one.shares.lower()})' if one.shares else ''}",
            one.activity.every.words.capitalize(),
            one.activity.owner.replace("-", " ").capitalize(),
            "" if one.kept.rate is None else f"{one.kept.done} of {one.kept.expected}",
        ]
        for one in block.steps
    ]
    return [*head, Table(["What", "How often", "Who", "30 days"], rows, [5, 2, 2, 1])]


def _header(page: PlanPage, site: str, printed: str) -> list[str]:
    born = page.header.birth_date
    who = page.header.name + (f", born {born.day} {born:%b} {born.year}" if born else "")
    return [who, f"{site}, {printed}"]


def _often(every: Interval) -> str:
    return f"{every.words.capitalize()}."


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _agreements(page: PlanPage, *, patient_is: str) -> list[str]:
    found = []
    for party, words in _WHO.items():
        yes = page.agreed.get(party)
        who = patient_is if party is Party.PATIENT else words
        found.append(f"{who}: {f'{yes.on:%-d %b %Y}' if yes else 'not yet'}")
    return found
