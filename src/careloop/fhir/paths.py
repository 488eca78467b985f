"""The part of FHIRPath that search parameters are written in: walks from a resource to elements of a known type.

An expression is a union of paths; a path is steps from the resource. Steps know the JSON property they read, because
the definitions say which type each element has: `Observation.value as Quantity` reads `valueQuantity`. Anything
outside this part is `Rejected`, and the search parameter is not offered.
"""

import re
from dataclasses import dataclass
from typing import Literal

from careloop.errors import Rejected
from careloop.fhir.definitions import Definitions

StepKind = Literal["field", "each", "index", "is", "equals", "extension", "has-extension", "not-false"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a walk.

    `field` reads a property, `each` the entries of an array; `index` one entry; the others keep a value or drop it:
    `is` a reference to a type, `equals` a property with a constant, `has-extension`, `not-false` a value that is not
    the boolean false. `extension` reads the value of an extension by its address.
    """

    kind: StepKind
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """Steps from a resource of type `root` to values of one FHIR type.

    `targets` are the resource types that a reference there may name; empty means any.
    """

    root: str
    steps: tuple[Step, ...]
    leaf: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reached:
    """Where the walk stands: the steps so far, the type there, and what a reference there may name."""

    steps: tuple[Step, ...]
    kind: str
    targets: tuple[str, ...] = ()


_WORD = re.compile(
    r"\s*(?:"
    r"(?P<is>where\(\s*resolve\(\) is (?P<target>\w+)\s*\))"
    r"|(?P<equals>where\(\s*(?P<property>\w+)\s*=\s*'(?P<constant>[^']*)'\s*\))"
    r"|(?P<hasextension>where\(\s*hasExtension\('(?P<has>[^']*)'\)\s*\))"
    r"|(?P<extension>extension\('(?P<url>[^']*)'\))"
    r"|(?P<cast>(?:as|ofType)\((?P<type>\w+)\))"
    r"|(?P<field>\w+)(?:\[(?P<index>\d+)\])?"
    r")\s*"
)
_AS = re.compile(r"\s+as\s+(\w+)\s*$")
_NOT_FALSE = re.compile(r"(?P<path>[\w.]+)\.exists\(\) and (?P=path) != false")


def walks(expression: str, resource_type: str, definitions: Definitions) -> list[Walk]:
    """The walks of `expression` that start at `resource_type`. `Rejected` for what this part does not cover."""
    found: list[Walk] = []
    for alternative in split_expression(expression, "|"):
        found += _alternative(alternative, resource_type, definitions)
    return found


def split_expression(text: str, separator: str) -> list[str]:
    """`text` cut at `separator` outside brackets and quotes."""
    parts, depth, quoted, current = [], 0, False, ""
    for character in text:
        quoted ^= character == "'"
        depth += 0 if quoted else (character == "(") - (character == ")")
        if character == separator and depth == 0 and not quoted:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part.strip() for part in (*parts, current)]


def _alternative(text: str, resource_type: str, definitions: Definitions) -> list[Walk]:
    not_false = _NOT_FALSE.fullmatch(text)
    if not_false is not None:
        inner = _alternative(not_false["path"], resource_type, definitions)
        return [Walk(one.root, (*one.steps, Step("not-false")), "boolean") for one in inner]
    return _bracketed(text, resource_type, definitions)


def _bracketed(text: str, resource_type: str, definitions: Definitions) -> list[Walk]:
    """A path with an optional cast in brackets: `(Observation.value as Quantity)`, also followed by more steps."""
    if text.startswith("("):
        inside, _, rest = text[1:].partition(")")
        words = _words(inside) + split_expression(rest.removeprefix("."), ".") if rest else _words(inside)
        return _walk([word for word in words if word], resource_type, definitions)
    return _walk(_words(text), resource_type, definitions)


def _words(text: str) -> list[str]:
    cast = _AS.search(text)
    if cast is not None:
        return [*split_expression(text[: cast.start()], "."), f"as({cast[1]})"]
    return split_expression(text, ".")


def _walk(words: list[str], resource_type: str, definitions: Definitions) -> list[Walk]:
    root = words[0]
    if root in ("Resource", "DomainResource", resource_type):
        words = words[1:]
    elif root in definitions.resources:
        return []
    reached = [_Reached((), resource_type)]
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise Rejected(at="expression", expected="the part of FHIRPath that search parameters use")
        reached = _from_each(reached, match, definitions)
    return [Walk(resource_type, one.steps, one.kind, one.targets) for one in reached]


def _from_each(reached: list[_Reached], match: re.Match[str], definitions: Definitions) -> list[_Reached]:
    """One step from wherever the walk stands. Types of an open choice that lack the element are left behind."""
    found, refused = [], None
    for here in reached:
        try:
            found += _step(here, match, definitions)
        except Rejected as error:
            refused = error
    if refused is not None and not found:
        raise refused
    return found


def _step(here: _Reached, match: re.Match[str], definitions: Definitions) -> list[_Reached]:
    if match["field"]:
        return _field(here, match["field"], match["index"], definitions)
    if match["cast"]:
        return [here] if here.kind.lower() == match["type"].lower() else []
    if match["extension"]:
        return _extension(here, match["url"], definitions)
    targets = (match["target"],) if match["is"] else here.targets
    return [_Reached((*here.steps, _filter(match)), here.kind, targets)]


def _filter(match: re.Match[str]) -> Step:
    if match["is"]:
        return Step("is", value=match["target"])
    if match["equals"]:
        return Step("equals", match["property"], match["constant"])
    return Step("has-extension", value=match["has"])


def _field(here: _Reached, name: str, index: str | None, definitions: Definitions) -> list[_Reached]:
    elements = definitions.elements(here.kind) if here.kind in definitions.nodes else {}
    element = elements.get(name) or elements.get(f"{name}[x]")
    if element is None:
        raise Rejected(at="expression", expected="elements that R4 defines")
    reached = []
    for json_name, kind in element.json_names().items():
        steps = (*here.steps, Step("field", json_name))
        if element.repeats:
            steps = (*steps, Step("index", value=index) if index else Step("each"))
        reached.append(_Reached(steps, kind.removeprefix("@"), element.targets.get(kind, ())))
    return reached


def _extension(here: _Reached, url: str, definitions: Definitions) -> list[_Reached]:
    value = definitions.elements("Extension")["value[x]"]
    return [
        _Reached((*here.steps, Step("extension", json_name, url)), kind)
        for json_name, kind in value.json_names().items()
    ]
