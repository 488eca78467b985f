"""The constraints of `content/ccda`, asked of documents coming in, to name their faults, and of those going out."""

from collections.abc import Iterator

from careloop.errors import Fault
from careloop.fhir.xmls import Element
from careloop.intake.ccda.content import CcdaContent, Check

_MOST = 100


def check_document(root: Element, content: CcdaContent, kind: str | None = None) -> list[Fault]:
    """Every constraint that is not kept, with its place in the document and the number in the specification."""
    found: list[Fault] = []
    for check in content.checks:
        if not check.kinds or kind in check.kinds:
            found += _faults(root, check)
    return found[:_MOST]


def _faults(root: Element, check: Check) -> Iterator[Fault]:
    for element in check.context(root):
        if not check.test(element):
            conf = f" ({check.conf})" if check.conf else ""
            yield Fault(
                at=f"{place_of(element)}{check.at}",
                expected=f"{check.expected}{conf}",
                severity=check.severity,
                code="required" if "exactly" in check.expected else "value",
            )


def place_of(element: Element) -> str:
    """Where the element stands: the section's title and the entry's number, or the path in the header."""
    section = element if element.tag == "section" else next(element.iterancestors("section"), None)
    if section is None:
        names = [one.tag for one in element.iterancestors()][::-1]
        return "/".join([*names, element.tag])
    title = " ".join("".join(section.find("title").itertext()).split()) if section.find("title") is not None else ""
    said = f"section {title[:60] or section_code(section)}"
    for number, entry in enumerate(section.findall("entry"), start=1):
        if entry is element or any(one is entry for one in element.iterancestors("entry")):
            return f"{said} entry {number} {_steps(element)}"
    return said


def _steps(element: Element) -> str:
    """The way from the entry to the element."""
    names = [element.tag]
    for one in element.iterancestors():
        if one.tag == "entry":
            break
        names.append(one.tag)
    return "/".join(reversed(names))


def section_code(section: Element) -> str:
    """The section's code as text, for a place."""
    code = section.find("code")
    return (code.get("code") or "without a code")[:20] if code is not None else "without a code"
