"""The text of a page is the text of its bundle."""

from datetime import UTC, datetime

import pytest

from careloop.errors import Fault
from careloop.fhir.jsons import encode
from careloop.flows.bundle_answers import page_bundle, page_text
from careloop.record import SearchPage, Stored


def stored(identity: str, text: str) -> Stored:
    return Stored(
        resource_type="Basic", id=identity, version=1, last_updated=datetime(2026, 1, 1, tzinfo=UTC), deleted=False,
        text=text, patient_id=None,
    )  # fmt: skip


ONE, OTHER = stored("a", '{"resourceType":"Basic","x":1.50,"y":"ü\\n"}'), stored("b-2", '{"id":"b-2"}')
CUT = Fault(at="_include", expected='fewer "resources"', severity="warning", code="too-costly")


@pytest.mark.parametrize(
    "page",
    [
        SearchPage(entries=(), total=0),
        SearchPage(entries=(), total=None),
        SearchPage(entries=[ONE, OTHER], total=2),
        SearchPage(entries=[ONE], included=[OTHER], warnings=(CUT,)),
        SearchPage(entries=(), total=7, warnings=(CUT,)),
    ],
)
@pytest.mark.parametrize("base", ["http://here/fhir", 'http://a"b/fhir', ""])
@pytest.mark.parametrize("texts", [{}, {"Basic/a": b'{"part":true}'}])
def test_the_text_of_a_page_is_that_of_its_bundle(page, base, texts):
    links = [("self", f"{base}/Basic?x=ü"), ("next", "y")]
    assert page_text(page, base, links, texts) == encode(page_bundle(page, base, links, texts))
