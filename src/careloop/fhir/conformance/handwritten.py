"""The invariants that are met most often, in Python. Each stands beside the very text that it answers for.

Everything else goes through FHIRPath. A test holds both against each other where FHIRPath can say the same.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from careloop.fhir.conformance.scope import Scope

Holds = Callable[[Any, Scope], bool]

ENTERED_IN_ERROR = "entered-in-error"

_TAGS = (
    "a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4"
    " h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul"
    " var"
)
TAGS = frozenset(_TAGS.split(" "))
"""Elements of the narrative (R4 narrative page: chapters 7-11 and 15 of HTML 4.0, links, images)."""

_TAG = re.compile(r"<\s*/?\s*([A-Za-z][\w:.-]*)([^>]*)>")
_ACTIVE = re.compile(r"""\son\w+\s*=|(?:href|src)\s*=\s*["']\s*(?:javascript|vbscript):""", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def has(element: Mapping[str, Any], name: str) -> bool:
    """True where the element has a value, or says by extension why it has none."""
    return name in element or f"_{name}" in element


def has_choice(element: Mapping[str, Any], stem: str) -> bool:
    """True where `stem[x]` has a value of some type."""
    size = len(stem)
    for name in element:
        plain = name[1:] if name[0] == "_" else name
        if plain.startswith(stem) and plain[size : size + 1].isupper():
            return True
    return False


def has_coding(concept: Any, system: str, *codes: str) -> bool:
    """True where one coding of the concept is of that system and has one of the codes."""
    found = concept.get("coding", ()) if concept else ()
    return any(one.get("system") == system and one.get("code") in codes for one in found)


def _ext_1(element: Any, scope: Scope) -> bool:
    return ("extension" in element) != has_choice(element, "value")


def _ref_1(element: Any, scope: Scope) -> bool:
    """`#` alone is the resource that contains the reference; R5 says so in words."""
    reference = element.get("reference")
    return not reference or reference[0] != "#" or scope.resolve(reference) is not None


def in_order(start: str, end: str) -> bool:
    """False where `start` is surely after `end`. Dates of different precision are compared as far as both go."""
    if "T" in start and "T" in end:
        if len(start) == len(end) and (start[-6:] == end[-6:] or start[-1] == end[-1] == "Z"):
            return start <= end
        return datetime.fromisoformat(start) <= datetime.fromisoformat(end)
    length = min(len(start), len(end), 10)
    return start[:length] <= end[:length]


def _per_1(element: Any, scope: Scope) -> bool:
    start, end = element.get("start"), element.get("end")
    return not start or not end or in_order(start, end)


def _qty_3(element: Any, scope: Scope) -> bool:
    return not has(element, "code") or has(element, "system")


def _att_1(element: Any, scope: Scope) -> bool:
    return not has(element, "data") or has(element, "contentType")


def _cpt_2(element: Any, scope: Scope) -> bool:
    return not has(element, "value") or has(element, "system")


def _dom_2(element: Any, scope: Scope) -> bool:
    return "contained" not in element or not any("contained" in one for one in element["contained"])


def _links(value: Any) -> Iterator[str]:
    if type(value) is dict:
        for item in value.values():
            yield from _links(item)
    elif type(value) is list:
        for item in value:
            yield from _links(item)
    elif type(value) is str and value[:1] == "#":
        yield value


def _dom_3(element: Any, scope: Scope) -> bool:
    contained = element.get("contained")
    if not contained:
        return True
    links = set(_links(element))
    return all(f"#{one.get('id')}" in links or "#" in _links(one) for one in contained)


def _dom_4(element: Any, scope: Scope) -> bool:
    return "contained" not in element or not any(
        has(one.get("meta", {}), "versionId") or has(one.get("meta", {}), "lastUpdated") for one in element["contained"]
    )


def _dom_5(element: Any, scope: Scope) -> bool:
    return "contained" not in element or not any("security" in one.get("meta", {}) for one in element["contained"])


def _dom_6(element: Any, scope: Scope) -> bool:
    return "div" in element.get("text", ())


def _txt_1(element: Any, scope: Scope) -> bool:
    """R4 narrative: only the elements that it lists, and nothing active."""
    tags = (match.groups() for match in _TAG.finditer(_COMMENT.sub("", element)))
    return all(name in TAGS and not (rest and _ACTIVE.search(rest)) for name, rest in tags)


def _txt_2(element: Any, scope: Scope) -> bool:
    """R4 narrative: something to see, a text or an image."""
    text = _COMMENT.sub("", element)
    return bool(_TAG.sub("", text).strip()) or any(match[1] == "img" for match in _TAG.finditer(text))


VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def _con_3(element: Any, scope: Scope) -> bool:
    """As its words say. Its expression compares a concept with a text, and so means every category."""
    return (
        has(element, "clinicalStatus")
        or has_coding(element.get("verificationStatus"), VERIFICATION, ENTERED_IN_ERROR)
        or not has(element, "category")
        or not any(has_code(one, "problem-list-item") for one in element["category"])
    )


def has_code(concept: Any, code: str) -> bool:
    """True where one coding of the concept has the code, of whatever system."""
    return any(one.get("code") == code for one in concept.get("coding", ()))


def _con_4(element: Any, scope: Scope) -> bool:
    return not has_choice(element, "abatement") or has_coding(
        element.get("clinicalStatus"), CLINICAL, "resolved", "remission", "inactive"
    )


def _con_5(element: Any, scope: Scope) -> bool:
    wrong = has_coding(element.get("verificationStatus"), VERIFICATION, ENTERED_IN_ERROR)
    return not (wrong and has(element, "clinicalStatus"))


def _ait_1(element: Any, scope: Scope) -> bool:
    wrong = has_coding(element.get("verificationStatus"), ALLERGY_VERIFICATION, ENTERED_IN_ERROR)
    return wrong or has(element, "clinicalStatus")


def _ait_2(element: Any, scope: Scope) -> bool:
    wrong = has_coding(element.get("verificationStatus"), ALLERGY_VERIFICATION, ENTERED_IN_ERROR)
    return not (wrong and has(element, "clinicalStatus"))


def _obs_3(element: Any, scope: Scope) -> bool:
    return has(element, "low") or has(element, "high") or has(element, "text")


def _obs_6(element: Any, scope: Scope) -> bool:
    return not has(element, "dataAbsentReason") or not has_choice(element, "value")


def _obs_7(element: Any, scope: Scope) -> bool:
    if "component" not in element or not has_choice(element, "value"):
        return True
    codings = {_code_key(one): one for one in element.get("code", {}).get("coding", ())}
    parts = (one for part in element["component"] for one in part.get("code", {}).get("coding", ()))
    return not any(codings.get(_code_key(one)) == one for one in parts)


def _code_key(coding: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(str(coding.get(name)) for name in ("system", "version", "code", "display", "userSelected"))


def _org_1(element: Any, scope: Scope) -> bool:
    return "identifier" in element or has(element, "name")


def _not_home(element: Any, scope: Scope) -> bool:
    return bool(element.get("use") != "home")


def _pat_1(element: Any, scope: Scope) -> bool:
    return any(name in element for name in ("name", "telecom", "address", "organization"))


def _cpl_3(element: Any, scope: Scope) -> bool:
    return not ("detail" in element and "reference" in element)


def _ig_1(element: Any, scope: Scope) -> bool:
    """By a set: through FHIRPath the work grows with groups times resources."""
    groups = {one["id"] for one in element.get("grouping", ()) if "id" in one}
    return all(one["groupingId"] in groups for one in element.get("resource", ()) if "groupingId" in one)


def _ig_2(element: Any, scope: Scope) -> bool:
    """By a set, as ig-1."""
    versions = set(element.get("fhirVersion", ()))
    listed = element.get("definition", {}).get("resource", ())
    return all(versions.issuperset(one.get("fhirVersion", ())) for one in listed)


_DOM_3 = (
    "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | "
    "%resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#')"
    ".exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = '#')"
    ".exists()).not()).trace('unmatched', id).empty()"
)

HANDWRITTEN: Mapping[str, Holds] = {
    "extension.exists() != value.exists()": _ext_1,
    "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %rootResource.contained.id"
    ".trace('ids'))": _ref_1,
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _per_1,
    "code.empty() or system.exists()": _qty_3,
    "data.empty() or contentType.exists()": _att_1,
    "value.empty() or system.exists()": _cpt_2,
    "contained.contained.empty()": _dom_2,
    _DOM_3: _dom_3,
    "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()": _dom_4,
    "contained.meta.security.empty()": _dom_5,
    "text.`div`.exists()": _dom_6,
    "txt-1: htmlChecks()": _txt_1,
    "txt-2: htmlChecks()": _txt_2,
    "clinicalStatus.exists() or verificationStatus.coding.where(system="
    "'http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or "
    "category.select($this='problem-list-item').empty()": _con_3,
    "abatement.empty() or clinicalStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-clinical'"
    " and (code='resolved' or code='remission' or code='inactive')).exists()": _con_4,
    "verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and "
    "code='entered-in-error').empty() or clinicalStatus.empty()": _con_5,
    "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification'"
    " and code = 'entered-in-error').exists() or clinicalStatus.exists()": _ait_1,
    "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification'"
    " and code = 'entered-in-error').empty() or clinicalStatus.empty()": _ait_2,
    "low.exists() or high.exists() or text.exists()": _obs_3,
    "dataAbsentReason.empty() or value.empty()": _obs_6,
    "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()": _obs_7,
    "(identifier.count() + name.count()) > 0": _org_1,
    "where(use = 'home').empty()": _not_home,
    "name.exists() or telecom.exists() or address.exists() or organization.exists()": _pat_1,
    "detail.empty() or reference.empty()": _cpl_3,
    "resource.groupingId.all(%context.grouping.id contains $this)": _ig_1,
    "definition.resource.fhirVersion.all(%context.fhirVersion contains $this)": _ig_2,
}
"""What Python says instead of FHIRPath, by the invariant's text; with its key where two have one text."""
