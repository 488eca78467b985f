"""The text of a section as XHTML: CDA's own block language translated, everything else left out. Pure."""

from careloop.fhir.narratives import inner_html
from careloop.fhir.xmls import Element, text_of

_NAMES = {
    "paragraph": "p",
    "list": "ul",
    "item": "li",
    "content": "span",
    "linkHtml": "span",
    "footnote": "small",
    "footnoteRef": "sup",
    "renderMultiMedia": "span",
}


def narrative(text: Element | None) -> dict[str, str] | None:
    """The narrative of a section, None where it has none."""
    if text is None or not (len(text) or text_of(text)):
        return None
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inner_html(text, _NAMES)}</div>'}
