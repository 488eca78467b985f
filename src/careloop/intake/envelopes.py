"""MSH in the words of FHIR: MSG, HD as an endpoint, PT, the language of a message."""

import re

from careloop.intake.datatypes import Context, Json, Rule, clean_code
from careloop.intake.hl7v2 import Value

_EVENT = "http://terminology.hl7.org/CodeSystem/v2-0003"
_MODE = "http://terminology.hl7.org/CodeSystem/v2-0207"
_TAG = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")


def event_coding(value: Value, rule: Rule, context: Context) -> Json | None:
    """MSG to Coding: the event, shown as the whole type."""
    kind, event, structure = (clean_code(value.component(part)) for part in (1, 2, 3))
    shown = "^".join(part for part in (kind, event, structure) if part)
    return {"system": _EVENT, "code": event or kind, "display": shown} if kind else None


def endpoint(value: Value, rule: Rule, context: Context) -> str | None:
    """HD to a URI."""
    name, universal, kind = (value.component(part).strip() for part in (1, 2, 3))
    if not universal:
        return f"urn:careloop:application:{_plain(name)}" if name else None
    return {"ISO": "urn:oid:", "UUID": "urn:uuid:", "GUID": "urn:uuid:"}.get(kind, "") + _plain(universal)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "-", text)


def language_tag(value: Value, rule: Rule, context: Context) -> str | None:
    """CWE to a language tag, by code or by the alternate code."""
    for part in (1, 4):
        text = value.component(part).strip()
        if text:
            return context.tables["language"].of(text) or (text if _TAG.match(text) else None)
    return None


def processing_mode(value: Value, rule: Rule, context: Context) -> Json | None:
    """PT-2 as a tag."""
    mode = clean_code(value.component(2))
    return {"system": _MODE, "code": mode} if mode and " " not in mode else None
