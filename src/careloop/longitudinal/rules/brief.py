"""What is said in a brief, in which order, and what no longer fits. Pure; any order of the findings gives the same.

Each finding makes a line by the first rule of its kind that it meets, and by the first one of those that may come on
top (`also`). Lines stand by points; each section has its least first, then the points decide over all sections. The
limit counts every word that is shown, titles and links too; nothing of fewer points is shown where something of more
did not fit.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from careloop.longitudinal.brief_model import (
    Brief,
    BriefLine,
    BriefPart,
    BriefRule,
    BriefRules,
    BriefSection,
    Finding,
    Link,
)

HOLE = re.compile(r"\{([a-z]+)\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_LEFT_WORDS = 3
"""`and 4 more`."""


def compose(rules: BriefRules, findings: Iterable[Finding], now: datetime, *, private: bool) -> Brief:
    """The brief of these findings; without what is labelled private unless `private`."""
    given = list(findings)
    shown = [one for one in given if private or not one.private]
    made = _ranked(rules, shown, now)
    chosen = _fitting(rules, made)
    parts = [
        BriefPart(section=one, lines=tuple(chosen[one.id]), left=len(made[one.id]) - len(chosen[one.id]))
        for one in rules.sections
    ]
    return Brief(parts=tuple(parts), words=sum(map(_words_of, parts)), hidden=len(given) - len(shown))


def _words_of(part: BriefPart) -> int:
    said = part.section.title if part.lines else f"{part.section.title} {part.section.empty}"
    return len(said.split()) + sum(line.count for line in part.lines) + (_LEFT_WORDS if part.left else 0)


def _ranked(rules: BriefRules, findings: Sequence[Finding], now: datetime) -> dict[str, list[BriefLine]]:
    """The lines of each section, the most important first, each said once."""
    by_rule: dict[str, list[tuple[BriefLine, Finding]]] = {}
    for finding in findings:
        for rule in _rules_for(rules, finding):
            by_rule.setdefault(rule.id, []).append((_line(rules, rule, finding, now), finding))
    found: dict[str, list[BriefLine]] = {one.id: [] for one in rules.sections}
    for rule in rules.rules:
        lines = sorted(by_rule.get(rule.id, ()), key=lambda pair: _place(pair[0]))
        if rule.group is not None and len(lines) >= rule.group.least:
            lines = [(_together(rules, rule, lines), lines[0][1])]
        found[rule.section] += [line for line, _ in lines]
    return {section: _once(sorted(lines, key=_place)) for section, lines in found.items()}


def _rules_for(rules: BriefRules, finding: Finding) -> list[BriefRule]:
    met = [one for one in rules.first_rules.get(finding.kind, ()) if _meets(one, finding)]
    main = next((one for one in met if not one.also), None)
    on_top = next((one for one in met if one.also), None)
    return [one for one in (main, on_top) if one is not None]


def _meets(rule: BriefRule, finding: Finding) -> bool:
    if finding.own and not rule.own:
        return False
    return all(finding.words.get(name, "") in wanted for name, wanted in rule.when.items())


def _place(line: BriefLine) -> tuple[int, float, str, str]:
    moment = line.at.timestamp() if line.at else 0.0
    return -line.points, -moment, line.words, line.links[0].reference if line.links else ""


def _once(lines: Sequence[BriefLine]) -> list[BriefLine]:
    seen: set[str] = set()
    return [one for one in lines if not (one.words in seen or seen.add(one.words))]  # type: ignore[func-returns-value]


def _line(rules: BriefRules, rule: BriefRule, finding: Finding, now: datetime) -> BriefLine:
    days = max((now - finding.at).days, 0) if finding.at else 0
    return BriefLine(
        rule=rule.id,
        words=shortened(said(rule.says, finding.words), rules.line_words),
        links=(Link(words=finding.source or "See it", href=finding.href, reference=finding.reference),),
        points=max(rule.points - rule.fades * days, 0),
        because=rule.because,
        at=finding.at,
    )


def _together(rules: BriefRules, rule: BriefRule, lines: Sequence[tuple[BriefLine, Finding]]) -> BriefLine:
    """One line for many of a rule: how many, the names of the first of them as ways to each."""
    group = rule.group
    if group is None:
        return lines[0][0]
    names: dict[str, Finding] = {}
    for _, finding in lines:
        names.setdefault(finding.words.get("name") or finding.source, finding)
    sources = sorted({one.words.get("system", "") for _, one in lines} - {""})
    words = said(group.says, {"count": str(len(lines)), "sources": ", ".join(sources[:2])})
    links = tuple(
        Link(words=shortened(name, 6), href=one.href, reference=one.reference)
        for name, one in list(names.items())[: group.names]
    )
    return replace(lines[0][0], words=shortened(words, rules.line_words), links=links)


def said(template: str, words: Mapping[str, str]) -> str:
    """The template with its holes filled; what stands in brackets is left out where one of its holes is empty."""

    def part(match: re.Match[str]) -> str:
        return match[1] if all(words.get(hole) for hole in HOLE.findall(match[1])) else ""

    full = _OPTIONAL.sub(part, template)
    return " ".join(HOLE.sub(lambda hole: words.get(hole[1], ""), full).split())


def shortened(text: str, most: int) -> str:
    """At most so many words."""
    words = text.split()
    return text if len(words) <= most else " ".join(words[:most]).rstrip(",.;:") + " …"


def _fitting(rules: BriefRules, made: Mapping[str, Sequence[BriefLine]]) -> dict[str, list[BriefLine]]:
    """The lines that fit into the limit: the least of each section, in their order, then by points."""
    left = rules.words - sum(_fixed(one, made[one.id]) for one in rules.sections)
    chosen: dict[str, list[BriefLine]] = {one.id: [] for one in rules.sections}
    full: set[str] = set()

    def take(section: BriefSection, line: BriefLine) -> None:
        nonlocal left
        if section.id in full:
            return
        if line.count > left or len(chosen[section.id]) >= section.most:
            full.add(section.id)
            return
        chosen[section.id].append(line)
        left -= line.count

    for section in rules.sections:
        for line in made[section.id][: section.least]:
            take(section, line)
    rest = [(section, line) for section in rules.sections for line in made[section.id][section.least :]]
    for section, line in sorted(rest, key=lambda pair: -pair[1].points):
        take(section, line)
    return chosen


def _fixed(section: BriefSection, lines: Sequence[BriefLine]) -> int:
    """Words that a section has whatever fits: its title, and that there is more or that there is nothing."""
    return len(section.title.split()) + max(_LEFT_WORDS if lines else 0, len(section.empty.split()))
