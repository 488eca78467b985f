"""Entries become resources by the rules of content. One `Reading` for one document."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from careloop.errors import Fault
from careloop.fhir.jsons import encode
from careloop.fhir.xmls import Element, canonical_bytes, children, is_element
from careloop.intake.ccda import parties, values
from careloop.intake.ccda.content import CcdaContent, EntryRules, Rule
from careloop.intake.ccda.labels import labels_of
from careloop.intake.ccda.model import Json, Made
from careloop.intake.ccda.timing import dose_timing
from careloop.intake.ccda.values import Context

STATEMENTS = ("act", "encounter", "observation", "organizer", "procedure", "substanceAdministration", "supply")
_LINKS = ("entryRelationship", "component")

_VALUES: Mapping[str, Callable[[Element, Context], Any]] = {
    "identifier": values.identifier,
    "concept": values.concept,
    "coding": values.coding,
    "quantity": values.quantity,
    "range": values.interval,
    "ratio": values.ratio,
    "date-time": values.moment,
    "period": values.period,
    "date": values.date,
    "text": values.text,
    "when": values.when,
    "value": values.value,
    "name": parties.name,
    "organization-name": parties.organization_name,
    "address": parties.address,
    "telecom": parties.telecom,
    "timing": dose_timing,
}


class Reading:
    """What one document tells, collected while it is read. `made` holds the resources in the order they were met."""

    def __init__(self, content: CcdaContent, root: Element, zone: str) -> None:
        texts = {one.get("ID"): one for one in root.iter() if one.get("ID")}
        self.context = Context(content=content, zone=zone, texts=texts)
        self.content = content
        self.root = root
        self.made: list[Made] = []
        self._links: dict[tuple[Element, str], Made | None] = {}
        self._by_id: dict[tuple[str | None, str | None], list[Element]] | None = None

    @property
    def faults(self) -> list[Fault]:
        """What was wrong so far."""
        return self.context.faults

    def read_statement(self, element: Element) -> list[Made]:
        """The resources of a clinical statement and of all within it; the statement's own come first."""
        found = [made for made in (self.make(element, one) for one in self.mappings_for(element)) if made is not None]
        for link in children(element, _LINKS):
            for inner in children(link, STATEMENTS):
                found += self.read_statement(inner)
        return found

    def mappings_for(self, element: Element) -> Sequence[EntryRules]:
        """The rules for this element: by its templates, most telling first; where none is known, by its name."""
        roots = [one.get("root") for one in element.findall("templateId")]
        for root in roots:
            fitting = [one for one in self.content.by_template.get(root, ()) if _holds(one.only, element)]
            if fitting:
                return fitting
        if any(root in self.content.helpers for root in roots):
            return ()
        return [one for one in self.content.plain.get(element.tag, ()) if _holds(one.only, element)][:1]

    def make(self, element: Element, mapping: EntryRules) -> Made | None:
        """The resource that `mapping` makes of `element`, once however often it is asked for; None where the element
        says nothing that could be kept."""
        place = (element, mapping.id)
        if place in self._links:
            return self._links[place]
        if _holds_if_any(mapping.skip, element):
            self._links[place] = None
            return None
        resource: Json = {"resourceType": mapping.resource, **deepcopy(dict(mapping.constants))}
        made = Made(resource=resource, link=f"urn:careloop:ccda:{len(self._links)}", key=(), shared=mapping.shared)
        self._links[place] = made
        number = len(self.made)
        self.made.append(made)
        self._fill(element, mapping.rules, resource)
        if not mapping.shared:
            labels = labels_of(element, self.context)
            if labels:
                resource["meta"] = {"security": labels}
        made = replace(made, key=self._key(element, mapping, resource))
        self._links[place] = self.made[number] = made
        return made

    def fill(self, element: Element, name: str) -> Json:
        """The elements that the rules named `name` make of `element`, as no resource of its own."""
        found: Json = {}
        self._fill(element, self.content.mappings[name].rules, found)
        return found

    def _key(self, element: Element, mapping: EntryRules, resource: Json) -> tuple[str, ...]:
        """What is the same thing in another document: its identifier and its code, else its whole content."""
        if mapping.key:
            said = [values.string(one) for key in mapping.key for one in _items(key(element))]
            if any(said):
                return (mapping.id, *said)
        for one in element.findall("id"):
            found = values.identifier(one, self.context)
            if found and found.get("system"):
                return (mapping.resource, found["system"], found["value"], _code(resource))
        return (mapping.resource, hashlib.sha256(canonical_bytes(element)).hexdigest())

    def _fill(self, element: Element, rules: Iterable[Rule], target: Json) -> None:
        for rule in rules:
            if not _holds(rule.when, element) or (rule.unless_set and _is_set(target, rule.to)):
                continue
            if rule.source is None:
                _put(target, rule, "", deepcopy(rule.value))
                continue
            for item in _items(rule.source(element)):
                said = self._converted(item, rule)
                if said is None:
                    continue
                suffix, value = said if rule.to.endswith("[x]") else ("", said)
                _put(target, rule, suffix, value)
                if not rule.each:
                    break

    def _converted(self, item: Any, rule: Rule) -> Any:
        if rule.value is not None:
            return deepcopy(rule.value)
        if rule.kind in _VALUES:
            return _VALUES[rule.kind](item, self.context) if is_element(item) else None
        return _OTHERS[rule.kind](self, item, rule)

    def _object(self, item: Any, rule: Rule) -> Json | None:
        found: Json = {}
        self._fill(item, rule.rules, found)
        return found or None

    def _made_reference(self, item: Any, rule: Rule) -> Json | None:
        made = self.make(item, self.content.mappings[rule.mapping])
        return {"reference": made.link} if made else None

    def _entry_reference(self, item: Any, rule: Rule) -> Json | None:
        for mapping in self.mappings_for(item):
            made = self.make(item, mapping)
            if made is not None:
                return {"reference": made.link}
        return None

    def _referred(self, item: Any, rule: Rule) -> Json | None:
        """What stands elsewhere in the document under the same id: an Entry Reference followed."""
        if self._by_id is None:
            self._by_id = {}
            for element in self.root.iter(*STATEMENTS):
                for one in element.findall("id[@root]"):
                    self._by_id.setdefault((one.get("root"), one.get("extension")), []).append(element)
        for one in item.findall("id[@root]"):
            for element in self._by_id.get((one.get("root"), one.get("extension")), ()):
                if found := self._entry_reference(element, rule):
                    return found
        return None

    def _string(self, item: Any, rule: Rule) -> str | None:
        return values.string(item) or None

    def _note(self, item: Any, rule: Rule) -> Json | None:
        said = values.words(item, self.context) if is_element(item) else values.string(item)
        return {"text": said} if said else None

    def _code(self, item: Any, rule: Rule) -> str | None:
        table = self.context.table(rule.table)
        code = item.get("code") if is_element(item) else str(item)
        return table.codes.get((code or "").strip()) or table.other or None

    def _table_concept(self, item: Any, rule: Rule) -> Json | None:
        known = self._code(item, rule)
        if known is None:
            return None
        table = self.context.table(rule.table)
        said = {"system": table.system, "code": known, "display": table.display.get(known)}
        return {"coding": [{key: value for key, value in said.items() if value}]}

    def _language(self, item: Any, rule: Rule) -> str | None:
        """The shortest code of a language (BCP 47): `eng-US` is `en-US`."""
        said = values.string(item)
        first, dash, rest = said.partition("-")
        known = self.context.table("languages").codes.get(first.lower(), first)
        return f"{known}{dash}{rest}" if re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", said) else None

    def _number(self, item: Any, rule: Rule) -> Any:
        said = values.number(item.get("value") if is_element(item) else str(item))
        if said is None or rule.kind == "decimal":
            return said
        return int(said) if said == int(said) else None

    def _boolean(self, item: Any, rule: Rule) -> bool | None:
        return {"true": True, "1": True, "false": False, "0": False}.get(values.string(item).lower())


_OTHERS: Mapping[str, Callable[[Reading, Any, Rule], Any]] = {
    "object": Reading._object,
    "make": Reading._made_reference,
    "entry": Reading._entry_reference,
    "referred": Reading._referred,
    "string": Reading._string,
    "annotation": Reading._note,
    "code": Reading._code,
    "table-concept": Reading._table_concept,
    "integer": Reading._number,
    "decimal": Reading._number,
    "boolean": Reading._boolean,
    "language": Reading._language,
}


def finer_key(resource: Json) -> str:
    """What tells apart two things under one identifier and code: all that is said of them."""
    return hashlib.sha256(encode({key: one for key, one in resource.items() if key != "id"})).hexdigest()


def _holds(condition: Any, element: Element) -> bool:
    return condition is None or bool(condition(element))


def _holds_if_any(condition: Any, element: Element) -> bool:
    return condition is not None and bool(condition(element))


def _items(found: Any) -> list[Any]:
    if isinstance(found, list):
        return found
    return [found] if found not in ("", None) else []


def _code(resource: Json) -> str:
    """What a fact is about: its first code, else its words."""
    for name in ("code", "medicationCodeableConcept", "vaccineCode", "type", "relationship", "category"):
        concept = resource.get(name)
        for one in concept if isinstance(concept, list) else [concept]:
            if isinstance(one, dict) and (one.get("coding") or one.get("text")):
                coding: Json = next(iter(one.get("coding", ())), {})
                return f"{coding.get('system', '')}|{coding.get('code') or str(one.get('text', '')).casefold()}"
    return ""


def _is_set(target: Json, to: str) -> bool:
    name = to.removesuffix("[x]")
    if to.endswith("[x]"):
        return any(key.startswith(name) for key in target)
    for part in to.split("."):
        if not isinstance(target, dict) or part not in target:
            return False
        target = target[part]
    return True


def _put(target: Json, rule: Rule, suffix: str, value: Any) -> None:
    """Sets the element; a list grows by values that it does not have."""
    *before, name = rule.to.split(".")
    for part in before:
        inner = target.setdefault(part, {})
        target = inner[-1] if isinstance(inner, list) else inner
    value = _wrapped(rule.into, value) if rule.into is not None else value
    name = name.removesuffix("[x]") + suffix
    if rule.each:
        standing = target.setdefault(name, [])
        if value not in standing:
            standing.append(value)
    else:
        target[name] = value


def _wrapped(template: Any, value: Any) -> Any:
    """The template with `$value` in its place."""
    if template == "$value":
        return value
    if isinstance(template, dict):
        return {key: _wrapped(one, value) for key, one in template.items()}
    if isinstance(template, list):
        return [_wrapped(one, value) for one in template]
    return template
