"""Our topics can be read, and each is one that a client can ask for."""

import pytest

from careloop.catalog import load_catalog
from careloop.errors import ContentError, Rejected
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.subscriptions import read_subscription, read_topics

DEFINITIONS = SearchDefinitions.load()
DOCUMENTS = load_catalog().documents("topics")
TOPICS = read_topics(DOCUMENTS, DEFINITIONS)


def test_the_topics_of_the_product():
    names = {"patient-admit", "patient-discharge", "loop-changed", "new-result", "referral-changed", "document-arrived"}
    assert {one.id for one in TOPICS.values()} == names | {"resource-changed"}


@pytest.mark.parametrize("wrong", [{"previous": "nothing=x"}, {"current": "patient.name=x"}, {"resource": "Nothing"}])
def test_a_topic_that_cannot_be_answered_is_a_fault_of_content(wrong):
    document = dict(DOCUMENTS["patient-admit"])
    document["triggers"] = [{**document["triggers"][0], **wrong}]
    with pytest.raises(ContentError):
        read_topics({"patient-admit": document}, DEFINITIONS)


def asked(**channel):
    return {
        "resourceType": "Subscription",
        "criteria": "urn:careloop:topic:patient-admit",
        "channel": {"type": "rest-hook", "endpoint": "https://example.org/hook", **channel},
    }


@pytest.mark.parametrize(
    "channel",
    [
        {"type": "email"},
        {"endpoint": ""},
        {"payload": "application/fhir+xml"},
        {"header": ["no colon"]},
        {"header": ["X-Line: a\r\nX-Other: b"]},
        {"header": ["Content-Length: 1"]},
        {"header": ["a: b"] * 11},
    ],
)
def test_what_cannot_be_served_is_refused(channel):
    with pytest.raises(Rejected):
        read_subscription(asked(**channel), TOPICS, DEFINITIONS)


def test_a_topic_without_a_wish_for_content_tells_nothing_of_it():
    assert read_subscription(asked(), TOPICS, DEFINITIONS).content == "empty"
