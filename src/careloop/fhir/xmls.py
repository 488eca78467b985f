"""The one door for XML: limits first, no DTD, no entities, no network, no files. Elements come without namespaces.

Names of the HL7 v3 namespace and of XHTML become plain (`code`), those of its extension namespace are written with a
dot (`sdtc.raceCode`), any other becomes `other.name`. So paths in content stay short and mean one thing.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from careloop.errors import Rejected

Element = Any
"""An lxml element."""

LARGEST = 40_000_000
DEEPEST = 100
_MOST_ELEMENTS = 600_000
_HL7 = "{urn:hl7-org:v3}"
_SDTC = "{urn:hl7-org:sdtc}"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_FORBIDDEN = re.compile(rb"<!(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)


def parse_xml(raw: bytes) -> Element:
    """The root of a well-formed document within the limits; `Rejected` names what is wrong, never what was sent."""
    if len(raw) > LARGEST:
        raise Rejected(at="document", expected=f"at most {LARGEST} bytes of XML", code="too-long")
    if _FORBIDDEN.search(raw) or _FORBIDDEN.search(raw.replace(b"\0", b"")):
        raise Rejected(at="document", expected="XML without a document type declaration or entities", code="security")
    try:
        root = etree.fromstring(raw.lstrip(b" \t\r\n"), _parser())
    except etree.XMLSyntaxError as error:
        place = f"line {error.lineno}" if error.lineno else "document"
        raise Rejected(at=place, expected="well-formed XML", code="structure") from None
    except ValueError:
        raise Rejected(at="document", expected="XML in an encoding that we know", code="structure") from None
    _simplify(root)
    return root


def _parser() -> Any:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip


def _simplify(root: Element) -> None:
    """Names without namespaces; `Rejected` for a tree that is too deep or too large."""
    depth = 0
    count = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        count += 1
        if depth > DEEPEST or count > _MOST_ELEMENTS:
            limit = f"at most {DEEPEST} levels and {_MOST_ELEMENTS} elements"
            raise Rejected(at="document", expected=limit, code="too-costly")
        if isinstance(element.tag, str):
            element.tag = _plain(element.tag)
        for name in [name for name in element.attrib if name[0] == "{"]:
            element.attrib[_plain(name)] = element.attrib.pop(name)


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    if name.startswith(_HL7):
        return name[len(_HL7) :]
    if name.startswith(_XHTML):
        return name[len(_XHTML) :]
    if name.startswith(_SDTC):
        return f"sdtc.{name[len(_SDTC) :]}"
    if name.startswith(_XSI):
        return f"xsi.{name[len(_XSI) :]}"
    return name if name[0] != "{" else f"other.{name.rpartition('}')[2]}"


def compile_path(text: str) -> Callable[[Element], Any]:
    """An XPath 1.0 of content, ready to be asked; `Rejected` for one that is none."""
    try:
        found: Callable[[Element], Any] = etree.XPath(text)
    except etree.XPathSyntaxError:
        raise Rejected(at="path", expected=f"an XPath 1.0 expression, not {text}", code="value") from None
    return found


def text_of(element: Element) -> str:
    """All text below the element, spaces folded."""
    return " ".join("".join(element.itertext()).split())


def is_element(value: Any) -> bool:
    """True for an element (not an attribute, not text)."""
    return isinstance(value, etree._Element) and isinstance(value.tag, str)


def canonical_bytes(element: Element) -> bytes:
    """The same bytes for the same element, whatever its prefixes and the order of its attributes were."""
    return bytes(etree.tostring(element, method="c14n", with_tail=False))


class Writer:
    """Writes a document in the HL7 v3 namespace with `sdtc` and `xsi`; text and attributes are always escaped."""

    def __init__(self, name: str) -> None:
        names = {None: _HL7[1:-1], "sdtc": _SDTC[1:-1], "xsi": _XSI[1:-1]}
        self.root: Element = etree.Element(_HL7 + name, nsmap=names)

    def add(self, parent: Element, name: str, attributes: Mapping[str, Any] | None = None, text: str = "") -> Element:
        """A new child; attributes that are None or empty are left out."""
        element = etree.SubElement(parent, _written(name))
        for key, value in (attributes or {}).items():
            if value not in (None, ""):
                element.set(_attribute(key), _clean(str(value)))
        if text:
            element.text = _clean(text)
        return element

    def tail(self, element: Element, text: str) -> None:
        """Text that follows the element."""
        element.tail = _clean(text)

    def to_bytes(self) -> bytes:
        """The document in UTF-8 with its declaration."""
        return bytes(etree.tostring(self.root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def _written(name: str) -> str:
    return _SDTC + name[5:] if name.startswith("sdtc.") else _HL7 + name


def _attribute(name: str) -> str:
    return _XSI + name[4:] if name.startswith("xsi.") else name


def _clean(text: str) -> str:
    """Without characters that XML cannot hold."""
    return "".join(one for one in text if one in "\t\n\r" or " " <= one <= "\ud7ff" or one >= "\ue000")


def children(element: Element, names: Sequence[str]) -> Iterator[Element]:
    """The child elements with one of these names, in their order."""
    return (child for child in element if child.tag in names)
