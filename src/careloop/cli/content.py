"""`careloop content check`: is the content whole, and what does each pathway say in plain words?"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from careloop.catalog import load_catalog
from careloop.cli.options import add_command, add_common, report, say, settings_of
from careloop.errors import ContentError
from careloop.loops.pathways import read_pathways
from careloop.loops.rules.calendar import Span
from careloop.loops.rules.conditions import in_words
from careloop.loops.rules.pathways import Due, Pathway, Step


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `content`."""
    group = add_command(
        commands,
        "content",
        says="check content files and read pathways in plain words",
        example="careloop content check site-content/",
        run=None,
    ).add_subparsers(metavar="check", required=True)
    parser = group.add_parser("check", help="all faults of our content and a site's, or every pathway in plain words")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="a site's content; left out: as configured")
    add_common(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 with each active pathway in words; 2 with every fault, each with file and path."""
    folder = arguments.folder or settings_of(arguments).content_dir
    if folder is not None and not folder.is_dir():
        say(f"{folder}: expected a folder")
        return 2
    try:
        pathways = read_pathways(load_catalog(folder)).active
    except ContentError as error:
        facts = [asdict(fault) for fault in error.faults]
        report(arguments, {"faults": facts}, [f"{fault.at}: expected {fault.expected}" for fault in error.faults])
        return 2
    lines = [line for name in sorted(pathways) for line in in_plain_words(pathways[name])]
    report(arguments, {"faults": [], "pathways": sorted(pathways)}, lines)
    return 0


def in_plain_words(pathway: Pathway) -> Iterator[str]:
    """The pathway as somebody reads it who has never seen the file."""
    signed = "" if pathway.reviewed else ", not reviewed by a clinician"
    yield f"{pathway.title} ({pathway.id} {pathway.version}{signed})"
    opens = pathway.opens_when
    classes = f" of class {', '.join(sorted(opens.classes))}" if opens.classes else ""
    yield f"  Opens when a {opens.event.replace('-', ' ')}{classes}. Over {_span(pathway.window)} later at the latest."
    for step in pathway.steps:
        yield from _step(step)
    for ending in pathway.ends_when:
        yield f"  Ends without proof when: {ending.event.replace('-', ' ')} ({ending.reason})."
    yield ""


def _step(step: Step) -> Iterator[str]:
    only = f", only for {step.only_tier.value} risk" if step.only_tier else ""
    yield f"  {step.title} ({step.id}{only}): the {step.owner_role}, {_due(step.due)} ({step.due.rule})."
    yield f"      Proved by {step.special.replace('-', ' ') if step.special else in_words(step.done_when)}."
    if step.attempts:
        yield f"      {step.attempts.enough} tries satisfy {step.attempts.rule}, not the step."
    for rule in step.escalate:
        later = f"{_span(rule.span)} after" if rule.span else "at"
        yield f"      Escalated to the {rule.to_role} {later} {'its deadline' if rule.after == 'due' else 'opening'}."


def _due(due: Due) -> str:
    if due.within:
        return f"within {_span(due.within)}"
    if due.by_tier:
        return " or ".join(f"within {_span(span)} for {tier.value} risk" for tier, span in due.by_tier.items())
    if due.date_of:
        return f"on the date of {due.date_of}"
    if due.results:
        return f"{_span(due.results)} after the result is expected"
    return "before the planned start"


def _span(span: Span) -> str:
    return f"{span.amount} {span.unit.replace('-', ' ')}"
