"""Codes that cannot be of the system they claim are left out before anything reads them; the words beside them stay.

The form of codes is content (`formats` of a code system): a code of another form exists nowhere in that system.
"""

import re

from careloop.errors import Fault
from careloop.fhir.xmls import Element
from careloop.intake.ccda.checks import place_of
from careloop.intake.ccda.content import CcdaContent

_MOST = 50


def check_codes(root: Element, content: CcdaContent) -> list[Fault]:
    """Faults of codes, each with its place; the impossible codes are gone from the tree, their words are kept."""
    formats = content.tables["code-formats"].codes
    patterns = {system: re.compile(pattern, re.ASCII) for system, pattern in formats.items()}
    found: list[Fault] = []
    for element in root.iter():
        code, system = element.get("code"), element.get("codeSystem")
        if not code or not system or element.tag == "templateId":
            continue
        pattern = patterns.get(system)
        if pattern is not None and not pattern.fullmatch(code.strip()):
            name = content.systems.get(system, system)
            expected = f"a code of {name}; the code is left out, its words are kept"
            found.append(Fault(at=f"{_place(element)}/@code", expected=expected, severity="error", code="code-invalid"))
            del element.attrib["code"]
            element.set("nullFlavor", "OTH")
    return found[:_MOST]


def _place(element: Element) -> str:
    parent = element.getparent()
    if parent is None or element.tag == "section":
        return place_of(element)
    return f"{place_of(parent)}/{element.tag}"
