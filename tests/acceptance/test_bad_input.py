"""The bad input of issue 2, each through its real door: the answer names the place and what was expected, what came is
kept and can be seen, nothing else changes, and somebody else is served meanwhile."""

import gzip
import io
import itertools
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.messages import Json, adt, new_control_id, patient
from tests.acceptance.product import Fhir, Mllp, Outcome, Product
from tests.acceptance.test_interface_hl7v2 import changed

_numbers = itertools.count(1)
NOW = "2026-03-06 12:00"
PATIENCE = 3.0
"""Seconds that a bystander may have to wait (security.md §5)."""


class Bystander:
    """Somebody who reads one patient again and again, and notes the longest wait."""

    def __init__(self, fhir: Fhir, reference: str) -> None:
        self.longest = 0.0
        self.answers = 0
        self._fhir, self._reference = fhir, reference
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Bystander":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._stop.wait(0.05):
            began = time.monotonic()
            assert self._fhir.get(self._reference).status_code == 200
            self.longest = max(self.longest, time.monotonic() - began)
            self.answers += 1


@pytest.fixture
def bystander(fhir: Fhir) -> Iterator[Bystander]:
    """Reads while the test sends what is bad; it must never have waited long."""
    someone = patient(f"BY{next(_numbers)}")
    fhir.write(someone)
    with Bystander(fhir, f"Patient/{someone['id']}") as found:
        yield found
    assert found.longest < PATIENCE


@pytest.fixture
def changes_nothing(fhir: Fhir, product: Product) -> Iterator[None]:
    """As many people, stays and loops afterwards as before."""

    def count() -> list[int]:
        kinds = ("Patient", "Encounter", "Task", "Observation")
        return [fhir.get(f"{kind}?_summary=count&_total=accurate").json()["total"] for kind in kinds]

    before = count()
    yield
    product.settle()
    assert count() == before


def dead_total(fhir: Fhir) -> int:
    return int(fhir.api("inbox?status=dead")["total"])


def newest(fhir: Fhir) -> Json:
    return dict(fhir.api("inbox?status=dead")["items"][0])


def names(answer: httpx.Response, *parts: str) -> None:
    """The outcome says the place and what was expected."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", body
    for part in parts:
        assert part in answer.text, answer.text


@pytest.mark.usefixtures("bystander", "changes_nothing")
class TestMessages:
    """Over MLLP."""

    @pytest.mark.parametrize("content", [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00\xff\xfe\x00" * 50, b"MSH", b"MSH|", b"PID|1||5\rMSH|^~\\&|A", b"",
        b"MSH|^~\\&" + b"|" * 100_000, "MSH|^~\\&|ADT|STMARY".encode("utf-16"),
    ], ids=["http", "binary", "three letters", "four letters", "not first", "empty", "bars", "utf-16"])  # fmt: skip
    def test_not_hl7(self, product: Product, fhir: Fhir, content: bytes) -> None:
        before = dead_total(fhir)
        with Mllp(product.door()) as connection:
            ack = connection.exchange(content)
        assert ack.code in ("AR", "AE")
        assert ack.says
        product.settle()
        assert dead_total(fhir) == before + 1
        assert newest(fhir)["reason"]

    def test_half_a_frame(self, product: Product, fhir: Fhir) -> None:
        before = dead_total(fhir)
        with Mllp(product.door()) as connection:
            connection.raw(b"\x0b" + adt("A28", NOW, mrn="HALF1").encode()[:90])
        wait_for(lambda: dead_total(fhir) == before + 1)
        assert "no end" in newest(fhir)["reason"]

    def test_a_frame_that_begins_again(self, product: Product, fhir: Fhir) -> None:
        before = dead_total(fhir)
        with Mllp(product.door()) as connection:
            connection.raw(b"\x0bMSH|half")
            connection.frame(changed(adt("A28", NOW, mrn="x"), "PID", 3, ""))
            assert [connection.answer().code for _ in range(2)] == ["AR", "AE"]
        assert dead_total(fhir) == before + 2

    def test_ten_megabytes_without_an_end(self, product: Product, fhir: Fhir) -> None:
        before = dead_total(fhir)
        with Mllp(product.door(), timeout=60) as connection:
            connection.raw(b"\x0bMSH|^~\\&|")
            for _ in range(11):
                connection.raw(b"x" * 1_000_000)
            ack = connection.answer()
        assert ack.code in ("AR", "AE")
        wait_for(lambda: dead_total(fhir) == before + 1)
        assert "larger than 10000000 bytes" in newest(fhir)["reason"]

    @pytest.mark.parametrize("segment,field,value,place", [
        ("PID", 7, "19510230", "PID^1^7"), ("EVN", 6, "20261301000000-0500", "EVN^1^6"),
        ("PV1", 44, "20260230", "PV1^1^44"), ("PID", 3, "", "PID^1^3"), ("PID", 3, "^^^STMARY", "PID^1^3"),
        ("MSH", 10, "", "MSH^1^10"), ("MSH", 9, "ADT^ZZZ", "MSH^1^9"), ("MSH", 9, "", "MSH^1^9"),
        ("MSH", 9, "XYZ^A01", "MSH^1^9"), ("MSH", 7, "yesterday", "MSH^1^7"),
    ])  # fmt: skip
    def test_a_field_that_cannot_be(
        self, product: Product, fhir: Fhir, segment: str, field: int, value: str, place: str
    ) -> None:
        before = dead_total(fhir)
        number = f"B{next(_numbers)}"
        message = adt("A01", NOW, mrn=number, visit=f"V{number}", admit="2026-03-06 11:00")
        [ack] = product.send(changed(message, segment, field, value))
        assert ack.code == "AE"
        assert place in ack.says
        assert value not in ack.says or value in ("", "yesterday")
        assert dead_total(fhir) == before + 1
        letter = newest(fhir)
        assert letter["at"].startswith(place.split("^")[0])
        shown = product.run("inbox", "show", str(letter["id"]), "--json").json()
        assert number in shown["message"] or field == 3


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_another_encoding_is_read_by_its_name(product: Product, fhir: Fhir) -> None:
    number = f"B{next(_numbers)}"
    message = changed(adt("A28", NOW, mrn=number, family="MUÑOZ"), "MSH", 18, "8859/1")
    [ack] = product.send(message.encode("latin-1"))
    assert ack.code == "AA"
    assert fhir.find(f"Patient?identifier={number}")[0]["name"][0]["family"] == "MUÑOZ"


def test_wrong_encoding_is_noted_and_never_guessed_silently(product: Product, fhir: Fhir) -> None:
    number, control = f"B{next(_numbers)}", new_control_id()
    message = changed(adt("A28", NOW, mrn=number, family="MUÑOZ", control_id=control), "MSH", 18, "UNICODE UTF-8")
    [ack] = product.send(message.encode("latin-1"))
    assert ack.code == "AA"
    assert "MSH^1^18" in ack.says and "|W|" in ack.says
    [item] = fhir.api(f"inbox?control_id={control}")["items"]
    assert "Latin-1" in product.run("inbox", "show", str(item["id"]), "--json").json()["notes"][0]


def test_a_reused_control_id_keeps_both_and_changes_nothing(product: Product, fhir: Fhir) -> None:
    number, control = f"B{next(_numbers)}", new_control_id()
    product.send(adt("A01", NOW, mrn=number, visit=f"V{number}", control_id=control))
    before = fhir.stay_of(f"V{number}")
    [ack] = product.send(adt("A03", NOW, mrn=number, visit=f"V{number}", control_id=control, disposition="01"))
    assert ack.code == "AE"
    assert fhir.stay_of(f"V{number}") == before
    statuses = sorted(one["status"] for one in fhir.api(f"inbox?control_id={control}")["items"])
    assert statuses[0] == "dead" and len(statuses) == 2


@pytest.mark.usefixtures("bystander", "changes_nothing")
class TestResources:
    """Over FHIR."""

    def test_a_resource_of_an_unknown_type(self, fhir: Fhir) -> None:
        answer = fhir.request("PUT", "/fhir/Dragon/1", body={"resourceType": "Dragon", "id": "1"})
        assert answer.status_code in (400, 404, 422)
        names(answer, "expected a FHIR R4 resource type")

    def test_a_bundle_with_one_bad_entry(self, fhir: Fhir) -> None:
        good = patient("X1")
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"Patient/{one['id']}"}}
            for one in (good, {**patient("X2"), "birthDate": "2026-02-30"})
        ]
        answer = fhir.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert answer.status_code in (400, 422)
        names(answer, "entry[1]", "birthDate")

    @pytest.mark.parametrize("change,place", [
        ({"birthDate": "1951-02-29"}, "birthDate"), ({"gender": "dragon"}, "gender"), ({"name": "Ana"}, "name"),
        ({"nonsense": 1}, "nonsense"), ({"contact": [{"name": [{}]}]}, "contact"), ({"active": "yes"}, "active"),
        ({"deceasedBoolean": True, "deceasedDateTime": "2026"}, "deceased"),
        ({"resourceType": "Observation"}, "resourceType"), ({"id": "another-id"}, "id"),
    ])  # fmt: skip
    def test_a_field_that_cannot_be(self, fhir: Fhir, change: Json, place: str) -> None:
        made = patient("X3")
        answer = fhir.request("PUT", f"/fhir/Patient/{made['id']}", body={**made, **change})
        assert answer.status_code in (400, 422)
        names(answer, place)

    @pytest.mark.parametrize("body", [
        b"", b"{", b"nonsense", b"[]", b'"text"', b"null", b"\xff\xfe{",
        b'{"resourceType":"Patient","resourceType":"Group"}',
        b'{"resourceType":"Patient","active":NaN}', b'{"a":' * 200_000, b"[" * 2_000_000,
        b'{"resourceType":"Patient","extension":' + b'[{"url":"x","extension":' * 200 + b"[]" + b"}]" * 200 + b"}",
        b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 500_000 + b"}",
        b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}',
        b'{"resourceType":"Patient","name":[{"family":"\\u0000"}]}',
    ], ids=["empty", "open", "words", "list", "text", "null", "no utf-8", "twice", "nan", "deep objects", "deep lists",
            "deep extensions", "many digits", "half a surrogate", "nul"])  # fmt: skip
    def test_no_json_or_a_bomb(self, fhir: Fhir, body: bytes) -> None:
        for answer in (fhir.request("POST", "/fhir/Patient", body=body), fhir.request("POST", "/fhir", body=body)):
            assert 400 <= answer.status_code < 500, answer.text
            assert answer.json()["resourceType"] == "OperationOutcome"

    def test_a_body_that_is_too_large(self, fhir: Fhir) -> None:
        made = patient("X4", text={"status": "generated", "div": "x"})
        body = json.dumps({**made, "implicitRules": "x" * 60_000_000})
        try:
            answer = fhir.request("PUT", f"/fhir/Patient/{made['id']}", body=body, timeout=120)
        except httpx.WriteError:
            return
        assert answer.status_code == 413

    @pytest.mark.parametrize("query", [
        "Patient?nonsense=1", "Patient?birthdate=2026-02-30", "Patient?_count=minus", "Task?status:nonsense=x",
        "Patient?birthdate=zz2026", "Observation?value-quantity=abc", "Patient?_sort=nonsense",
    ])  # fmt: skip
    def test_a_search_that_means_nothing(self, fhir: Fhir, query: str) -> None:
        answer = fhir.get(query, headers={"Prefer": "handling=strict"})
        assert answer.status_code == 400, answer.text
        names(answer, "expected")

    @pytest.mark.parametrize(
        "path", ["Patient/" + "x" * 65, "Patient/a%20b", "Patient/..%2f", "Dragon", "Patient/x/_history/abc"]
    )
    def test_an_address_that_cannot_be(self, fhir: Fhir, path: str) -> None:
        answer = fhir.get(path)
        assert answer.status_code in (400, 404)
        assert answer.json()["resourceType"] == "OperationOutcome"

    def test_another_content_type(self, fhir: Fhir) -> None:
        answer = fhir.request(
            "POST", "/fhir/Patient", body=b"<Patient/>", headers={"Content-Type": "application/fhir+xml"}
        )
        assert answer.status_code == 415


@pytest.fixture
def folder(product: Product) -> Path:
    made = product.folder / f"load-{next(_numbers)}"
    made.mkdir()
    return made


def load(product: Product, path: Path) -> Outcome:
    return product.run("load", str(path), "--json")


def rejects(outcome: Outcome) -> list[Json]:
    """Rejects of a load that was taken in part or not at all; each says where and why."""
    assert outcome.status == 1, outcome.errors
    found = outcome.json()["rejects"]
    assert found
    for one in found:
        assert set(one) == {"file", "entry", "control_id", "at", "reason"}
        assert one["reason"]
    return list(found)


class TestFiles:
    """By `careloop load`."""

    def test_a_bundle_with_one_bad_entry_is_named(self, product: Product, fhir: Fhir, folder: Path) -> None:
        good, bad = patient(f"LD{next(_numbers)}"), {**patient("LDX"), "gender": "dragon"}
        entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in (good, bad)]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        (folder / "bundle.json").write_text(json.dumps(bundle))
        [found] = rejects(load(product, folder))
        assert found["file"].endswith("bundle.json")
        assert "1" in found["entry"] + found["at"]
        assert "gender" in found["at"]
        letters = fhir.api("inbox?status=dead")["items"]
        assert any(letter["kind"] == "file" for letter in letters)

    @pytest.mark.parametrize("name,content", [
        ("nothing.json", b""), ("broken.json", b'{"resourceType":"Patient"'),
        ("dragon.json", b'{"resourceType":"Dragon"}'),
        ("lines.ndjson", b'{"resourceType":"Patient","id":"ndjson-1"}\nnot json\n'), ("deep.json", b"[" * 1_000_000),
        ("words.hl7", b"this is no message\r"), ("half.json.gz", gzip.compress(b"{}" * 5000)[:40]),
        ("no.zip", b"PK\x03\x04 nothing"), ("document.xml", b"<ClinicalDocument/>"),
    ])  # fmt: skip
    @pytest.mark.usefixtures("bystander")
    def test_files_that_cannot_be_used(self, product: Product, folder: Path, name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        found = rejects(load(product, folder / name))
        assert found[0]["file"].endswith(name)

    @pytest.mark.usefixtures("bystander", "changes_nothing")
    def test_a_gzip_bomb(self, product: Product, folder: Path) -> None:
        made = io.BytesIO()
        with gzip.GzipFile(fileobj=made, mode="wb") as stream:
            for _ in range(400):
                stream.write(b" " * 1_000_000)
        (folder / "bomb.json.gz").write_bytes(made.getvalue())
        [found] = rejects(load(product, folder))
        assert "150 times" in found["reason"]

    @pytest.mark.usefixtures("bystander", "changes_nothing")
    def test_a_zip_bomb(self, product: Product, folder: Path) -> None:
        packed = zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED)
        with packed as archive, archive.open("bomb.json", "w", force_zip64=True) as stream:
            for _ in range(400):
                stream.write(b" " * 1_000_000)
        [found] = rejects(load(product, folder))
        assert "times" in found["reason"]

    def test_a_file_that_does_not_exist_is_wrong_usage(self, product: Product, folder: Path) -> None:
        outcome = load(product, folder / "nowhere.json")
        assert outcome.status == 2
        assert "exist" in outcome.errors

    def test_messages_that_are_good_are_taken_beside_those_that_are_not(
        self, product: Product, fhir: Fhir, folder: Path
    ) -> None:
        number = f"LM{next(_numbers)}"
        good, bad = adt("A28", NOW, mrn=number), changed(adt("A28", NOW, mrn="x"), "PID", 3, "")
        (folder / "two.hl7").write_text(good + bad, newline="")
        [found] = rejects(load(product, folder))
        assert found["control_id"]
        assert "PID-3" in found["at"]
        assert fhir.patient_of(number)


def site(folder: Path, **change: Any) -> Path:
    """A site's content: our calendar and one pathway, changed."""
    pathways = folder / "pathways"
    pathways.mkdir(parents=True)
    source = Path(__file__).parents[2] / "src/careloop/content/pathways/ed-visit.yaml"
    text = source.read_text()
    for old, new in change.items():
        assert old.replace("_", "-") in text
        text = text.replace(old.replace("_", "-"), str(new))
    (pathways / "ed-visit.yaml").write_text(text)
    return folder


def test_content_with_an_unknown_code_is_named(product: Product, folder: Path) -> None:
    wrong = site(folder, EMER="DRAGON")
    outcome = product.run("content", "check", str(wrong), "--json")
    assert outcome.status == 2
    [*faults] = outcome.json()["faults"]
    assert any("ed-visit.yaml" in one["at"] and "class" in one["at"] for one in faults), faults


def test_content_that_is_no_yaml_is_named(product: Product, folder: Path) -> None:
    (folder / "pathways").mkdir()
    (folder / "pathways" / "mine.yaml").write_text("a: [b\nc: {")
    outcome = product.run("content", "check", str(folder))
    assert outcome.status == 2
    assert "mine.yaml" in outcome.out + outcome.errors
