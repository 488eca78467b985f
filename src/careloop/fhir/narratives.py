"""Text made safe on the way out: an element allow-list, no links but to a place in the same text, no script, no style.

Sources: FHIR R4 Narrative (basic formatting only); security.md §5 (C-CDA text and narrative through an allow-list).
"""

import re
from html import escape

from careloop.errors import Rejected
from careloop.fhir.xmls import Element, is_element, parse_xml

ALLOWED = frozenset(
    {
        "div", "p", "span", "br", "b", "i", "u", "em", "strong", "sub", "sup", "small", "pre", "hr", "blockquote",
        "ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td",
        "h1", "h2", "h3", "h4", "h5", "h6", "code", "q", "s", "del", "ins", "abbr",
    }
)  # fmt: skip
_DROPPED = frozenset({"script", "style", "iframe", "object", "embed", "form", "svg", "math", "template", "head"})
_VOID = frozenset({"br", "hr"})
_NUMBERS = frozenset({"colspan", "rowspan"})
_SAFE_ID = re.compile(r"[A-Za-z][\w.:-]{0,99}", re.ASCII)


def safe_html(div: str) -> str:
    """The narrative as HTML that a page may show as it is; plain text in its place where it cannot be read."""
    try:
        root = parse_xml(div.encode())
    except Rejected:
        return f"<div><p>{escape(div)}</p></div>" if "<" not in div else "<div><p>(not readable)</p></div>"
    return f"<div>{inner_html(root)}</div>"


def inner_html(element: Element, names: "dict[str, str] | None" = None) -> str:
    """What stands inside `element`, through the allow-list. `names` translates element names of another language."""
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        if is_element(child):
            parts.append(_outer(child, names or {}))
        parts.append(escape(child.tail or "", quote=False))
    return "".join(parts)


def _outer(element: Element, names: dict[str, str]) -> str:
    name = names.get(element.tag, element.tag)
    if name in _DROPPED:
        return ""
    if name not in ALLOWED:
        return f"<span>{inner_html(element, names)}</span>" if len(element) or element.text else ""
    if name in _VOID:
        return f"<{name}/>"
    return f"<{name}{_attributes(element)}>{inner_html(element, names)}</{name}>"


def _attributes(element: Element) -> str:
    found = []
    own_id = element.get("id") or element.get("ID") or ""
    if _SAFE_ID.fullmatch(own_id):
        found.append(f' id="{own_id}"')
    for name in sorted(_NUMBERS):
        if (element.get(name) or "").isdecimal() and len(element.get(name)) < 4:
            found.append(f' {name}="{element.get(name)}"')
    return "".join(found)
