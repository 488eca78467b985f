"""Narrative: is it of what R4 allows, and does it say something? (R4 narrative, txt-1, txt-2)"""

import re
from html.parser import HTMLParser
from typing import Any

from careloop.fhir.fhirpath.functions.registry import Family
from careloop.fhir.fhirpath.runtime import NONE, Environment, Items, boolean

NARRATIVE = Family()

_is_element = re.compile(
    r"a|abbr|acronym|area|b|bdo|big|blockquote|br|caption|cite|code|col|colgroup|dd|del|dfn|div|dl|dt|em|h1|h2|h3|"
    r"h4|h5|h6|hr|i|img|ins|li|map|ol|p|pre|q|samp|small|span|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|"
    r"ul|var"
).fullmatch
_is_attribute = re.compile(
    r"abbr|accesskey|align|alt|axis|bgcolor|border|cellpadding|cellspacing|char|charoff|charset|cite|class|colspan|"
    r"compact|coords|datetime|dir|frame|headers|height|href|hreflang|hspace|id|ismap|lang|longdesc|name|nohref|"
    r"nowrap|rel|rev|rowspan|rules|scope|shape|span|src|start|style|summary|tabindex|target|title|type|usemap|"
    r"valign|value|vspace|width|xml:lang|xmlns"
).fullmatch


@NARRATIVE.eager("htmlChecks", "htmlChecks2")
def html_checks(focus: Items, environment: Environment) -> Items:
    """True where narrative is of the elements and attributes that R4 allows and says something (txt-1, txt-2)."""
    if not focus:
        return NONE
    return boolean(all(_is_safe(item[0] if type(item) is tuple else item) for item in focus))


class _Narrative(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.is_safe, self.says_something = True, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_safe &= bool(_is_element(tag)) and all(_is_attribute(name) for name, _ in attrs)
        self.is_safe &= not any(
            (value or "").strip().lower().startswith(("javascript:", "vbscript:")) for _, value in attrs
        )
        self.says_something |= tag == "img"

    def handle_data(self, data: str) -> None:
        self.says_something |= bool(data.strip())


def _is_safe(text: Any) -> bool:
    if not isinstance(text, str) or not text.lstrip().startswith("<div"):
        return False
    reader = _Narrative()
    reader.feed(text)
    reader.close()
    return reader.is_safe and reader.says_something
