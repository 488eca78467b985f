"""The named words of facts, put together from content (`facts.keys`).

To add one: a function that takes checked content and gives a `KeyReader`, and its resource types, in `READERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from careloop.loops.facts.keys import KeyReader, Resource
from careloop.loops.rules import result_keys
from careloop.loops.rules.alert_keys import alert_keys
from careloop.loops.rules.answers import answer_keys
from careloop.loops.rules.messages import pattern_of, texts_of, warning_in
from careloop.loops.rules.referrals import read_tables
from careloop.loops.rules.referrals.keys import referral_keys
from careloop.loops.rules.result_tables import tables_of
from careloop.loops.rules.score_keys import score_keys
from careloop.loops.rules.visit_keys import gap_keys, visit_keys

Content = Any


def _message_keys(content: Content) -> KeyReader:
    """`warning` yes or no, and `reply` yes where it answers something (ui.md §4.3)."""
    pattern = pattern_of(content.document("messages", "warning-words")["words"])

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        warning = warning_in(texts_of(resource), pattern)
        return {"warning": "yes" if warning else "no", "reply": "yes" if resource.get("inResponseTo") else "no"}

    return read


def _result_keys(content: Content) -> KeyReader:
    """Finding, clocks and further steps of tests (results.md)."""
    tables = tables_of(content.documents("results"))

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        return result_keys.keys_of(resource, patient, others, tables)

    return read


def _referral_keys(content: Content) -> KeyReader:
    """`urgency` of a referral, `referral` the state of its fulfilment Task (content/referrals)."""
    tables = read_tables(content)

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        return referral_keys(tables, resource)

    return read


def _visit_keys(content: Content) -> KeyReader:
    """Why a visit was missed (content/scheduling), and whether it was the first."""
    reasons = {one["id"]: one for one in content.document("scheduling", "visits")["reasons"]}

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        return visit_keys(reasons, resource, others)

    return read


def _gap_keys(content: Content) -> KeyReader:
    """Whether a gap in care is open."""

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        return gap_keys(resource)

    return read


def _score_keys(content: Content) -> KeyReader:
    """`score`: the instrument of a total that was computed; `needs`: the instrument that a Task asks for (AS-10)."""

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        return score_keys(resource)

    return read


def _alert_keys(content: Content) -> KeyReader:
    """Of an alert about readings from home: `alert` (open, closed, settled, withdrawn) and how urgent it is."""

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        return alert_keys(resource)

    return read


def _answer_keys(content: Content) -> KeyReader:
    """`answer` of a question that was answered by whom it was put to (decision 0157): yes, no or other."""

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        return answer_keys(resource)

    return read


READERS: Sequence[tuple[frozenset[str], Callable[[Content], KeyReader]]] = (
    (frozenset({"Communication"}), _message_keys),
    (frozenset({"ServiceRequest", "Task"}), _referral_keys),
    (result_keys.TYPES, _result_keys),
    (frozenset({"Appointment"}), _visit_keys),
    (frozenset({"DetectedIssue"}), _gap_keys),
    (frozenset({"Task"}), _answer_keys),
    (frozenset({"DetectedIssue"}), _alert_keys),
    (frozenset({"Observation", "Task"}), _score_keys),
)
"""Which words there are: for resources of these types, as these tables say."""


def opening_reader(content: Content) -> Callable[[Resource], Mapping[str, str]]:
    """The words by which openings mostly are decided, of a resource by itself: few, and read at no cost."""
    tables = tables_of(content.documents("results"))

    def read(resource: Resource) -> Mapping[str, str]:
        return result_keys.opening_words(resource, tables)

    return read


def key_reader(content: Content) -> KeyReader:
    """All words of a resource."""
    made = [(types, make(content)) for types, make in READERS]

    def read(resource: Resource, patient: Resource, others: Mapping[str, Resource]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for types, reader in made:
            if resource.get("resourceType") in types:
                found |= reader(resource, patient, others)
        return found

    return read
