"""`careloop load`: any mix of files; what cannot be used is named, kept and replayable."""

import gzip
import json
import zipfile

from tests.messages import adt

from careloop.access.model import system_principal
from careloop.cli.load import facts, load
from careloop.flows import inbox


def patient(own_id="p1", **more):
    return {"resourceType": "Patient", "id": own_id, "name": [{"family": "Load"}], **more}


def bundle(*resources, kind="collection"):
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_a_mix_of_files_is_loaded_and_loading_it_again_changes_nothing(door, tmp_path):
    write(tmp_path, "a/bundle.json", bundle(patient("p1"), patient("p2")))
    write(tmp_path, "a/one.fhir", patient("p3"))
    write(
        tmp_path, "b/many.ndjson.gz", gzip.compress(b"\n".join(json.dumps(patient(f"n{n}")).encode() for n in range(5)))
    )
    write(
        tmp_path, "c/messages.hl7", b"FHS|^~\\&\r" + adt("A01") + adt("A03", at="20261121080000-0500", disposition="01")
    )
    write(tmp_path, "notes.txt", b"nothing")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("inside/z.json", json.dumps(patient("z1")))
    first = facts(load(door.app, door.tenant, [tmp_path]), 1.0)
    assert (first["files"], first["messages"], first["rejects"]) == (5, 2, [])
    assert first["created"] >= 9
    assert len(first["warnings"]) == 1
    assert door.encounter()["status"] == "finished"
    again = facts(load(door.app, door.tenant, [tmp_path]), 1.0)
    assert (again["created"], again["updated"], again["rejects"]) == (0, 0, [])
    assert again["resources"] == again["unchanged"] > 0


def test_rejects_name_file_entry_place_and_reason_and_the_rest_is_loaded(door, tmp_path):
    write(tmp_path, "bad.json", bundle(patient("ok1"), patient("bad1", birthDate="1951-13-01")))
    write(tmp_path, "broken.json", b"{not json")
    write(tmp_path, "document.xml", b"<ClinicalDocument/>")
    write(tmp_path, "lab.hl7", adt("A01").replace(b"ADT^A01", b"MFN^M02"))
    found = facts(load(door.app, door.tenant, [tmp_path]), 1.0)
    by_file = {one["file"].rsplit("/", 1)[-1]: one for one in found["rejects"]}
    assert set(by_file) == {"bad.json", "broken.json", "document.xml", "lab.hl7"}
    assert "birthDate" in by_file["bad.json"]["at"]
    assert "exactly one person" in by_file["document.xml"]["reason"]
    assert by_file["lab.hl7"]["control_id"] == "C1"
    assert found["created"] >= 1
    assert len(door.dead()) == 4


def test_a_refused_document_can_be_corrected_and_replayed(door, tmp_path):
    write(tmp_path, "bad.json", patient("fix1", birthDate="1951-13-01"))
    load(door.app, door.tenant, [tmp_path])
    load(door.app, door.tenant, [tmp_path])
    [letter] = door.dead()
    who = system_principal(door.tenant.id, "test")
    assert inbox.replay(door.app, who, letter.id).status == "dead"
    item = inbox.correct(door.app, who, letter.id, json.dumps(patient("fix1", birthDate="1951-12-01")))
    assert item.status == "processed"
    assert inbox.replay(door.app, who, letter.id).status == "processed"


def test_an_archive_that_blows_up_is_refused(door, tmp_path):
    write(tmp_path, "bomb.ndjson.gz", gzip.compress(b"0" * 60_000_000))
    found = load(door.app, door.tenant, [tmp_path])
    assert "150 times" in found.rejects[0].reason
