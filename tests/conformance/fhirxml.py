"""FHIR XML as FHIR JSON, driven by the compiled definitions. For the test tools only: the product reads JSON."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree

from careloop.fhir import definitions
from careloop.fhir.definitions import Definitions

FHIR = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"
INTEGERS = ("integer", "positiveInt", "unsignedInt")


def read_file(path: Path) -> dict[str, Any]:
    """The resource in an XML file."""
    return read(path.read_bytes())


def read(text: bytes) -> dict[str, Any]:
    """The resource in an XML text, as its JSON form; decimals keep their digits."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    found: dict[str, Any] = tidy(_resource(etree.fromstring(text, parser), definitions.load()))
    return found


def _resource(element: Any, tables: Definitions) -> dict[str, Any]:
    kind = _local(element)
    return {"resourceType": kind, **_complex(element, kind, tables)}


def _local(element: Any) -> str:
    return etree.QName(element).localname


def _complex(element: Any, kind: str, tables: Definitions) -> dict[str, Any]:
    """The JSON object of an element with children."""
    known = {
        json_name: (inner.removeprefix("@"), one.repeats)
        for one in tables.elements(kind).values()
        for json_name, inner in one.json_names().items()
    }
    found: dict[str, Any] = {name: value for name, value in element.attrib.items() if not name.startswith("{")}
    for child in element:
        name = _local(child)
        inner, repeats = known.get(name, ("xhtml" if child.tag.startswith(XHTML) else "string", False))
        value, beside = _value(child, inner, tables)
        _put(found, name, value, beside, repeats)
    return found


def _value(element: Any, kind: str, tables: Definitions) -> tuple[Any, Any]:
    """The JSON value, and what JSON keeps beside it."""
    if kind in ("Resource", "DomainResource"):
        return _resource(element[0], tables), None
    if kind == "xhtml":
        return etree.tostring(element, encoding="unicode", with_tail=False), None
    if kind not in tables.primitives:
        return _complex(element, kind, tables), None
    beside = {name: value for name, value in element.attrib.items() if name != "value"}
    extensions = [_complex(one, "Extension", tables) for one in element if one.tag == FHIR + "extension"]
    if extensions:
        beside["extension"] = extensions
    text = element.get("value")
    return (None if text is None else _primitive(text, kind)), beside or None


def _primitive(text: str, kind: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in INTEGERS:
        return int(text)
    return Decimal(text) if kind == "decimal" else text


def _put(found: dict[str, Any], name: str, value: Any, beside: Any, repeats: bool) -> None:
    if not repeats:
        if value is not None:
            found[name] = value
        if beside is not None:
            found["_" + name] = beside
        return
    values, besides = found.setdefault(name, []), found.setdefault("_" + name, [])
    values.append(value)
    besides.append(beside)


def tidy(value: Any) -> Any:
    """The same JSON without the arrays beside primitives that hold nothing."""
    if isinstance(value, dict):
        kept = {name: tidy(part) for name, part in value.items()}
        return {name: part for name, part in kept.items() if not (isinstance(part, list) and not any(map(_is, part)))}
    return [tidy(one) for one in value] if isinstance(value, list) else value


def _is(value: Any) -> bool:
    return value is not None
