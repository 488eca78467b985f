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
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if type(node) is dict:
            for name, item in node.items():
                if type(item) is str:
                    new = _replaced(name, item, mapping)
                    if new is not None:
                        node[name] = new
                        changed += 1
                else:
                    waiting.append(item)
        elif type(node) is list:
            changed += _in_list(node, mapping)
            waiting.extend(item for item in node if type(item) is not str)
    return changed


def _replaced(name: str, text: str, mapping: Mapping[str, str]) -> str | None:
    if name == "reference" or name == "url":
        return mapping.get(text)
    if name == "div":
        return _in_narrative(text, mapping) if "urn:" in text or "http" in text else None
    return mapping.get(text) if text.startswith(_SCHEMES) and name not in NEVER_LINKS else None


def _in_list(items: list[Any], mapping: Mapping[str, str]) -> int:
    changed = 0
    for index, item in enumerate(items):
        if type(item) is str and item.startswith(_SCHEMES) and item in mapping:
            items[index] = mapping[item]
            changed += 1
    return changed


def _in_narrative(text: str, mapping: Mapping[str, str]) -> str | None:
    new = _LINK_IN_NARRATIVE.sub(lambda match: mapping.get(match[0], match[0]), text)
    return new if new != text else None
