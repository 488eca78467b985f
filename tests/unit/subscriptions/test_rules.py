"""Which changes are events: the truth table of a trigger (FHIR R5 SubscriptionTopic.resourceTrigger.queryCriteria)."""

from datetime import UTC, datetime

import pytest

from careloop.subscriptions import EVERY_TYPE, Seen, Trigger, Version, Wanted, fires, is_wanted
from careloop.subscriptions.model import Filter

AT = datetime(2026, 11, 23, tzinfo=UTC)


class State:
    """A version that satisfies the criteria named like itself."""

    def __init__(self, resource):
        self.name = resource["name"]

    def satisfy(self, clauses):
        return all(one == self.name for one in clauses)


def change(kind, before=None, after=None, resource_type="Encounter"):
    version = Version(
        seq=1, at=AT, resource_type=resource_type, id="1", version=1, change=kind, patient_id=None,
        current=None if after is None else {"name": after}, previous=None if before is None else {"name": before},
    )  # fmt: skip
    return Seen(version, State)


def trigger(**more):
    every = frozenset({"created", "updated", "deleted"})
    return Trigger(**{"resource_type": "Encounter", "on": every, **more})


@pytest.mark.parametrize(
    ("before", "after", "both", "expected"),
    [
        ("a", "b", True, True),
        ("a", "c", True, False),
        ("c", "b", True, False),
        ("a", "c", False, True),
        ("c", "b", False, True),
        ("c", "c", False, False),
    ],
)
def test_before_and_after(before, after, both, expected):
    asked = trigger(previous=("a",), current=("b",), both=both)
    assert fires(asked, change("updated", before, after)) is expected


@pytest.mark.parametrize("passes", [True, False])
def test_a_creation_has_no_version_before_and_a_deletion_none_after(passes):
    assert fires(trigger(previous=("a",), on_create=passes), change("created", None, "b")) is passes
    assert fires(trigger(current=("a",), on_delete=passes), change("deleted", "a", None)) is passes


def test_only_the_kinds_of_change_and_the_type_that_are_named():
    asked = trigger(on=frozenset({"created"}))
    assert fires(asked, change("created", None, "a")) and not fires(asked, change("updated", "a", "b"))
    assert not fires(trigger(), change("created", None, "a", "Patient"))
    assert fires(trigger(resource_type=EVERY_TYPE), change("created", None, "a", "Patient"))


def wanted(triggers, filters=()):
    return Wanted(topic="t", triggers=triggers, filters=filters, channel="websocket")


def test_a_filter_looks_at_the_version_after_or_at_what_was_deleted():
    asked = wanted((trigger(),), (Filter(resource_type="Encounter", clauses=("b",)),))
    assert is_wanted(asked, change("updated", "a", "b")) and not is_wanted(asked, change("updated", "b", "a"))
    assert is_wanted(asked, change("deleted", "b", None)) and not is_wanted(asked, change("deleted", "a", None))


def test_of_a_topic_about_everything_only_the_types_of_its_filters_are_told():
    asked = wanted((trigger(resource_type=EVERY_TYPE),), (Filter(resource_type="Encounter", clauses=()),))
    assert is_wanted(asked, change("created", None, "a")) and not is_wanted(
        asked, change("created", None, "a", "Patient")
    )
