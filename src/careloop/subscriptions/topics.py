"""Topics from content. A topic that asks what cannot be answered of one resource is `ContentError`. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from careloop.errors import ContentError, Fault, Rejected
from careloop.fhir.clauses import (
    AnyClause,
    ChainClause,
    Clause,
    HasClause,
    TerminologyClause,
)
from careloop.fhir.grammar import parse_search
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.subscriptions.model import EVERY_TYPE, Change, Topic, Trigger

_CHANGES: Mapping[str, Change] = {"create": "created", "update": "updated", "delete": "deleted"}
_MOST_CLAUSES = 20


def read_topics(documents: Mapping[str, Mapping[str, Any]], definitions: SearchDefinitions) -> dict[str, Topic]:
    """The active topics by their address."""
    faults: list[Fault] = []
    found: dict[str, Topic] = {}
    for name, document in documents.items():
        if document["status"] != "active":
            continue
        try:
            topic = _topic(document, definitions)
        except Rejected as error:
            faults.append(Fault(at=f"topics/{name}.yaml: {error.at}", expected=error.expected))
            continue
        found[topic.url] = topic
    if faults:
        raise ContentError(faults)
    return found


def _topic(document: Mapping[str, Any], definitions: SearchDefinitions) -> Topic:
    for resource_type, names in document.get("filter-by", {}).items():
        for name in names:
            if name not in definitions.of(resource_type):
                raise Rejected(at="filter-by", expected=f"search parameters of {resource_type}; {name} is none")
    return Topic(
        id=document["id"],
        url=document["url"],
        title=document["title"],
        triggers=tuple(read_trigger(one, definitions) for one in document["triggers"]),
        filter_by={kind: tuple(names) for kind, names in document.get("filter-by", {}).items()},
        shape={kind: tuple(names) for kind, names in document.get("shape", {}).items()},
    )


def read_trigger(facts: Mapping[str, Any], definitions: SearchDefinitions) -> Trigger:
    """One trigger of content; `Rejected` names what it asks that cannot be answered."""
    resource_type = facts["resource"]
    if resource_type == EVERY_TYPE and ("previous" in facts or "current" in facts):
        raise Rejected(at="triggers", expected="no criteria for a trigger of every type")
    return Trigger(
        resource_type=resource_type,
        on=frozenset(_CHANGES[one] for one in facts["changes"]),
        previous=_asked(facts, "previous", definitions),
        current=_asked(facts, "current", definitions),
        on_create=facts.get("on-create") == "test-passes",
        on_delete=facts.get("on-delete") == "test-passes",
        both=bool(facts.get("both", False)),
    )


def _asked(facts: Mapping[str, Any], name: str, definitions: SearchDefinitions) -> tuple[Clause, ...] | None:
    if name not in facts:
        return None
    return read_criteria(facts["resource"], parse_qsl(facts[name], keep_blank_values=True), definitions, at=name)


def read_criteria(
    resource_type: str, pairs: Sequence[tuple[str, str]], definitions: SearchDefinitions, *, at: str
) -> tuple[Clause, ...]:
    """Search parameters as clauses; `Rejected` for one that is unknown, shapes a result, or needs other resources."""
    if len(pairs) > _MOST_CLAUSES:
        raise Rejected(at=at, expected=f"at most {_MOST_CLAUSES} parameters", code="too-costly")
    request = parse_search(resource_type, pairs, definitions)
    if request.includes or request.sort or request.count or request.summary or request.elements or request.total:
        raise Rejected(at=at, expected="criteria alone, nothing that shapes a result", code="not-supported")
    for one in request.clauses:
        _refuse_others(one, at)
    return request.clauses


def _refuse_others(clause: Clause, at: str) -> None:
    """What cannot be answered by looking at one resource."""
    if isinstance(clause, ChainClause | HasClause | TerminologyClause):
        raise Rejected(
            at=at, expected="criteria on the resource itself: no chain, value set or words", code="not-supported"
        )
    if isinstance(clause, AnyClause):
        for one in (inner for alternative in clause.alternatives for inner in alternative):
            _refuse_others(one, at)
