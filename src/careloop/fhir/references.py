"""References inside a resource: find them all, or rewrite them, without knowing the type.

Bundles turn `urn:uuid:` links into `Type/id`; merges turn one patient's references into another's.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

NEVER_LINKS = frozenset(("value", "valueString", "valueCode", "id", "display", "text", "fullUrl"))
"""Properties whose text is data even where it looks like a link, such as `Identifier.value`."""

_LINK_IN_NARRATIVE = re.compile(r"""(?<=[\"'])(?:urn:(?:uuid|oid):|https?://)[^\"']+(?=[\"'])""")
_SCHEMES = ("urn:", "http:", "https:")


def references(value: Any) -> Iterator[str]:
    """Every `Reference.reference` inside `value`, in document order, contained resources included."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if type(node) is dict:
            reference = node.get("reference")
            if type(reference) is str:
                yield reference
            waiting.extend(reversed(node.values()))
        elif type(node) is list:
            waiting.extend(reversed(node))


def rewrite(value: Any, mapping: Mapping[str, str]) -> int:
    """Replaces references that `mapping` names, in place, and says how many.

    Looks at `Reference.reference`, at elements of type uri, url, canonical, oid and uuid that hold a whole address or
    are called `url`, and at the links of the narrative (R4 transaction processing rules).
    """
    changed = 0
    waiting = [value] if type(value) is dict or type(value) is list else []
    while waiting:
        node = waiting.pop()
        places = node.items() if type(node) is dict else enumerate(node)
        for name, item in places:
            kind = type(item)
            if kind is dict or kind is list:
                waiting.append(item)
            elif kind is str and (item in mapping or name == "div"):
                new = _replaced(name, item, mapping)
                if new is not None:
                    node[name] = new
                    changed += 1
    return changed


def _replaced(name: str | int, text: str, mapping: Mapping[str, str]) -> str | None:
    """The new text of a property, or of an entry of a list; None where it stays."""
    if name == "reference" or name == "url":
        return mapping.get(text)
    if name == "div":
        return _in_narrative(text, mapping) if "urn:" in text or "http" in text else None
    return mapping.get(text) if text.startswith(_SCHEMES) and name not in NEVER_LINKS else None


def _in_narrative(text: str, mapping: Mapping[str, str]) -> str | None:
    new = _LINK_IN_NARRATIVE.sub(lambda match: mapping.get(match[0], match[0]), text)
    return new if new != text else None
