"""Security labels: what a document, a section or an entry says of who may see it, as codings for `meta.security`.

Sources: HL7 DS4P R1 (section and entry security observations), CDA R2 confidentialityCode. A label of an outer part
holds for the inner unless that has its own. `N` (normal) is no label.
"""

from careloop.fhir.xmls import Element
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.values import Context, coding

_OBSERVATIONS = frozenset(
    {
        "2.16.840.1.113883.3.445.21",
        "2.16.840.1.113883.3.445.12",
        "2.16.840.1.113883.3.445.22",
        "2.16.840.1.113883.3.445.23",
        "2.16.840.1.113883.3.445.14",
    }
)
_NORMAL = frozenset({"N", "L", "M", "U"})


def labels_of(element: Element, context: Context) -> list[Json]:
    """The labels that hold for an entry: its own, else those of its section, else those of the document."""
    for holder in (element, *element.iterancestors("section", "ClinicalDocument")):
        found = [*_marked(holder, context), *_observed(holder, context)]
        if found:
            return _once(found)
    return []


def document_labels(root: Element, context: Context) -> list[Json]:
    """The labels of the document itself."""
    return _once(_marked(root, context))


def _marked(holder: Element, context: Context) -> list[Json]:
    code = holder.find("confidentialityCode")
    said = coding(code, context) if code is not None else None
    return [said] if said and (said["code"] not in _NORMAL or holder.tag == "section") else []


def _observed(holder: Element, context: Context) -> list[Json]:
    """Security observations within: of a section those that stand as its own entries."""
    steps = "entry" if holder.tag == "section" else "entryRelationship"
    if holder.tag == "ClinicalDocument":
        return []
    found = []
    for link in holder.findall(steps):
        for one in link.iter("observation"):
            roots = {template.get("root") for template in one.findall("templateId")}
            value = one.find("value")
            said = coding(value, context) if roots & _OBSERVATIONS and value is not None else None
            if said:
                found.append(said)
    return found


def _once(found: list[Json]) -> list[Json]:
    kept: list[Json] = []
    for one in found:
        plain = {key: value for key, value in one.items() if key in ("system", "code", "display")}
        if plain not in kept:
            kept.append(plain)
    return kept
