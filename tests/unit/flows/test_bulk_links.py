"""Links settled in the text are those that the walk over the tree settles; what the text cannot say is left to it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from careloop.flows.bulk_documents import Document, parse
from careloop.flows.bulk_links import settled

_PATIENT, _VISIT = "urn:uuid:11111111-AAAA-4111-8111-111111111111", "urn:uuid:22222222-2222-4222-8222-222222222222"


def _bundle(**more: Any) -> dict[str, Any]:
    visit = {"resourceType": "Encounter", "status": "finished", "subject": {"reference": _PATIENT}, **more}
    post = {"method": "POST", "url": "Patient"}
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": _PATIENT, "resource": {"resourceType": "Patient"}, "request": post},
            {"fullUrl": _VISIT, "resource": visit, "request": {"method": "POST", "url": "Encounter"}},
        ],
    }


def _written(text: bytes) -> list[tuple[str, str | None, Any]]:
    parsed = parse(Document(label="x", text=text), 1, lambda resource: ())
    return [(one.resource_type, one.id, one.resource) for one in parsed.writes]


def test_references_to_entries_read_type_and_id_in_small_letters() -> None:
    text = json.dumps(_bundle(partOf={"reference": "urn:uuid:of-nobody"}, reasonCode=[{"text": _VISIT[9:]}])).encode()
    done = settled(text.replace(b"urn:uuid:of-nobody", b"Encounter/9"))
    assert done is not None
    visit = json.loads(done)["entry"][1]["resource"]
    assert visit["subject"] == {"reference": "Patient/11111111-aaaa-4111-8111-111111111111"}
    assert visit["partOf"] == {"reference": "Encounter/9"}


@pytest.mark.parametrize(
    "change",
    [
        lambda bundle: bundle["entry"][1]["resource"].update(identifier=[{"value": _PATIENT}]),
        lambda bundle: bundle["entry"][1]["resource"].update(implicitRules=_PATIENT),
        lambda bundle: bundle["entry"][1]["resource"].update(partOf={"reference": "urn:uuid:of-nobody"}),
        lambda bundle: bundle["entry"][1]["resource"].update(
            text={"status": "generated", "div": f'<a href="{_VISIT}"/>'}
        ),
        lambda bundle: bundle["entry"][1]["request"].update(method="PUT", url="Encounter/7"),
        lambda bundle: bundle["entry"][1].update(fullUrl="http://elsewhere.example/Encounter/7"),
        lambda bundle: bundle["entry"][1].pop("fullUrl"),
        lambda bundle: bundle["entry"][1].update(fullUrl=_PATIENT),
        lambda bundle: bundle["entry"][1].update(resource=7),
    ],
    ids=["identifier", "uri", "unknown", "narrative", "put", "absolute", "no address", "twice", "no resource"],
)
def test_what_the_text_cannot_say_is_left_to_the_tree(change: Callable[[dict[str, Any]], object]) -> None:
    bundle = _bundle()
    change(bundle)
    assert settled(json.dumps(bundle).encode()) is None


def test_an_escaped_address_is_left_to_the_tree() -> None:
    text = json.dumps(_bundle()).encode().replace(b'"reference": "urn:', b'"reference": "\\u0075rn:')
    assert settled(text) is None
    assert _written(text)[1][2]["subject"] == {"reference": "Patient/11111111-aaaa-4111-8111-111111111111"}


def test_both_ways_write_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(
        _bundle(hospitalization={"origin": {"reference": _VISIT, "display": f'"reference":"{_VISIT}"'}})
    ).encode()
    plain = json.dumps(_bundle(hospitalization={"origin": {"reference": _VISIT}})).encode()
    by_text = _written(plain), _written(text)
    assert settled(plain) is not None
    monkeypatch.setattr("careloop.flows.bulk_documents.settled", lambda text: None)
    assert (_written(plain), _written(text)) == by_text


def test_a_bundle_for_the_door_of_every_client_keeps_its_links() -> None:
    bundle = _bundle()
    bundle["entry"][0]["request"]["ifNoneExist"] = "identifier=1"
    parsed = parse(Document(label="x", text=json.dumps(bundle).encode()), 1, lambda resource: ())
    assert parsed.bundle == bundle
