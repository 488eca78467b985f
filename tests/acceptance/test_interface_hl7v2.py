"""interface.md §5, sentence by sentence: HL7v2 over MLLP."""

import itertools
import time

import pytest
from tests.acceptance.messages import Json, adt, at, iso, new_control_id, outreach
from tests.acceptance.product import Ack, Fhir, Mllp, Product, free_port

_numbers = itertools.count(1)
NOW = "2026-03-06 12:00"


def number() -> str:
    return f"H{next(_numbers)}"


def changed(message: str, segment: str, field: int, value: str) -> str:
    """The message with one field replaced (MSH-1 counts, as HL7 counts it)."""
    lines = message.split("\r")
    index = next(i for i, line in enumerate(lines) if line.startswith(segment))
    fields = lines[index].split("|")
    place = field - 1 if segment == "MSH" else field
    fields += [""] * (place + 1 - len(fields))
    fields[place] = value
    return "\r".join([*lines[:index], "|".join(fields), *lines[index + 1 :]])


def dead(fhir: Fhir, control_id: str) -> list[Json]:
    """Dead letters with this control id."""
    return list(fhir.api(f"inbox?status=dead&control_id={control_id}")["items"])


def test_every_answer_names_the_control_id(product: Product) -> None:
    control = new_control_id()
    [ack] = product.send(adt("A28", NOW, mrn=number(), control_id=control))
    assert (ack.code, ack.control_id) == ("AA", control)


def test_after_aa_the_facts_can_be_read(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A01", NOW, mrn=mine, visit=f"V{mine}"))
    assert fhir.stay_of(f"V{mine}")["status"] == "in-progress"


def test_answers_come_in_the_order_of_the_messages(product: Product) -> None:
    controls = [new_control_id() for _ in range(20)]
    with Mllp(product.door()) as connection:
        for control in controls:
            connection.frame(adt("A28", NOW, mrn=number(), control_id=control))
        answers = [connection.answer() for _ in controls]
    assert [answer.control_id for answer in answers] == controls
    assert {answer.code for answer in answers} == {"AA"}


def test_a_duplicate_gets_aa_and_changes_nothing(product: Product, fhir: Fhir) -> None:
    mine = number()
    message = adt("A01", NOW, mrn=mine, visit=f"V{mine}")
    acks = product.send(message, message, message)
    assert [ack.code for ack in acks] == ["AA"] * 3
    assert fhir.stay_of(f"V{mine}")["meta"]["versionId"] == "1"


def test_a_reused_control_id_with_other_content_is_ae_and_kept(product: Product, fhir: Fhir) -> None:
    mine, control = number(), new_control_id()
    first = adt("A28", NOW, mrn=mine, control_id=control)
    other = adt("A28", NOW, mrn=mine, control_id=control, family="OTHER")
    acks = product.send(first, other)
    assert [ack.code for ack in acks] == ["AA", "AE"]
    assert "MSH^1^10" in acks[1].says
    [letter] = dead(fhir, control)
    assert "control" in letter["reason"].lower() or "MSH-10" in letter["at"]
    assert fhir.find(f"Patient?identifier={mine}")[0]["name"][0]["family"] == "EXAMPLE"


@pytest.mark.parametrize("field,value,place", [
    (7, "19510231", "PID^1^7"), (3, "", "PID^1^3"),
], ids=["a date that does not exist", "no identifier"])  # fmt: skip
def test_what_the_checks_refuse_is_ae_with_its_place_and_kept(
    product: Product, fhir: Fhir, field: int, value: str, place: str
) -> None:
    control = new_control_id()
    [ack] = product.send(changed(adt("A28", NOW, mrn=number(), control_id=control), "PID", field, value))
    assert (ack.code, ack.control_id) == ("AE", control)
    assert place in ack.says
    assert len(dead(fhir, control)) == 1


def test_an_event_that_hl7_does_not_define_is_ae(product: Product, fhir: Fhir) -> None:
    control = new_control_id()
    [ack] = product.send(adt("A99", NOW, mrn=number(), visit="V99", control_id=control))
    assert ack.code == "AE"
    assert "MSH^1^9" in ack.says
    assert len(dead(fhir, control)) == 1


def test_what_is_no_hl7_is_ar_and_kept(product: Product, fhir: Fhir) -> None:
    before = fhir.api("inbox?status=dead")["total"]
    with Mllp(product.door()) as connection:
        assert connection.exchange(b"this is no message").code == "AR"
    product.settle()
    assert fhir.api("inbox?status=dead")["total"] == before + 1


@pytest.mark.parametrize("field,value", [(2, "P2"), (4, "P4"), (18, "P18")])
def test_without_pid_3_other_numbers_count(product: Product, fhir: Fhir, field: int, value: str) -> None:
    mine = f"{number()}{value}"
    message = changed(changed(adt("A28", NOW, mrn="x"), "PID", 3, ""), "PID", field, f"{mine}^^^STMARY^MR")
    [ack] = product.send(message)
    assert ack.code == "AA"
    assert len(fhir.find(f"Patient?identifier={mine}")) == 1


def test_a_dead_letter_can_be_replayed_again_and_again(product: Product, fhir: Fhir) -> None:
    control = new_control_id()
    product.send(changed(adt("A28", NOW, mrn=number(), control_id=control), "PID", 3, ""))
    [letter] = dead(fhir, control)
    for _ in range(2):
        answer = fhir.request("POST", f"/api/inbox/{letter['id']}/replay")
        assert answer.status_code == 200
        assert answer.json()["status"] == "dead"


def test_a_time_without_offset_is_in_the_tenants_zone(product: Product, fhir: Fhir) -> None:
    mine = number()
    message = adt("A01", "2026-03-02 08:00", mrn=mine, visit=f"V{mine}")
    product.send(message.replace("-0500", ""))
    assert fhir.stay_of(f"V{mine}")["period"]["start"] == iso("2026-03-02 08:00")


def test_the_deepest_place_with_the_places_around_it(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A01", NOW, mrn=mine, visit=f"V{mine}", place="4W^401^A^STMARY"))
    reference = fhir.stay_of(f"V{mine}")["location"][-1]["location"]["reference"]
    kinds = []
    while reference:
        place = fhir.read(reference)
        kinds.append(place["physicalType"]["coding"][0]["code"])
        reference = place.get("partOf", {}).get("reference", "")
    assert kinds[:3] == ["bd", "ro", "wa"]


def test_identifiers_have_the_system_of_their_authority(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A28", NOW, mrn=mine))
    [found] = fhir.find(f"Patient?identifier={mine}")
    assert {"system": "urn:careloop:authority:STMARY", "value": mine}.items() <= found["identifier"][0].items()


def test_the_visit_number_is_an_identifier_of_the_stay(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A01", NOW, mrn=mine, visit=f"V{mine}"))
    [plain] = fhir.find(f"Encounter?identifier=urn:careloop:visit:STMARY|V{mine}")
    assert plain["status"] == "in-progress"
    message = changed(adt("A01", NOW, mrn=mine, visit="x"), "PV1", 19, f"W{mine}^^^EPIC")
    product.send(message)
    assert len(fhir.find(f"Encounter?identifier=urn:careloop:authority:EPIC|W{mine}")) == 1


def test_without_pv1_19_the_account_number_names_the_visit(product: Product, fhir: Fhir) -> None:
    mine = number()
    message = changed(adt("A01", NOW, mrn=mine), "PID", 18, f"AC{mine}")
    product.send(message)
    assert len(fhir.find(f"Encounter?identifier=urn:careloop:visit:STMARY|AC{mine}")) == 1


def test_an_unknown_sender_is_ae_and_kept_until_it_is_accepted(product: Product) -> None:
    slug = f"strict{number().lower()}"
    made = product.run("tenant", "add", slug, "--name", "Strict Practice", "--zone", "America/Chicago", "--json")
    assert made.status == 0, made.errors
    port = free_port()
    feed = product.run("feed", "add", "--kind", "hl7v2", "--port", str(port), "--tenant", slug, "--json")
    assert feed.status == 0, feed.errors
    client = product.run("client", "add", "reader", "--tenant", slug, "--scope", "system/*.cruds", "--json").json()
    control = new_control_id()
    ack = when_open(port, adt("A28", NOW, mrn="U1", control_id=control))
    assert (ack.code, ack.control_id) == ("AE", control)
    assert "MSH^1^3" in ack.says
    fhir = product.client_of(client["client_id"], client["client_secret"])
    [letter] = dead(fhir, control)
    assert fhir.find("Patient") == []
    accepted = product.run("inbox", "accept", str(letter["id"]), "--tenant", slug, "--json")
    assert accepted.status == 0, accepted.errors
    assert len(fhir.find("Patient")) == 1
    assert when_open(port, adt("A28", NOW, mrn="U2")).code == "AA"


def when_open(port: int, message: str) -> Ack:
    """The answer of a port that opens soon."""
    deadline = time.monotonic() + 40
    while True:
        try:
            with Mllp(port) as connection:
                return connection.exchange(message)
        except OSError:
            assert time.monotonic() < deadline, "the new port did not open"
            time.sleep(0.2)


def test_a_merged_person_stays_readable_and_the_old_number_finds_the_survivor(product: Product, fhir: Fhir) -> None:
    old, new = number(), number()
    product.send(adt("A28", NOW, mrn=old, family="MERGED"), adt("A28", NOW, mrn=new, family="MERGED"))
    prior, survivor = fhir.patient_of(old), fhir.patient_of(new)
    product.send(adt("A40", NOW, mrn=new, prior=old, family="MERGED"))
    assert fhir.patient_of(old) == survivor
    stored = fhir.read(f"Patient/{prior}")
    assert stored["active"] is False
    assert stored["link"] == [{"other": {"reference": f"Patient/{survivor}"}, "type": "replaced-by"}]


def test_a_possible_match_joins_nothing_and_is_a_task(product: Product, fhir: Fhir) -> None:
    here, there = number(), number()
    more = {"family": f"Twinname{here}", "given": "Carlotta", "born": "19430917"}
    product.send(adt("A28", NOW, mrn=here, **more), adt("A28", NOW, mrn=there, facility="EASTSIDE", **more))
    one, other = fhir.patient_of(here), fhir.patient_of(there, "EASTSIDE")
    assert one != other
    found = [task for task in fhir.find("Task?code=urn:careloop:pathway|person-match")
             if one in str(task) and other in str(task)]  # fmt: skip
    assert len(found) == 1
    assert found[0]["owner"]["reference"]


def test_an_event_of_the_future_waits_for_its_time(fhir: Fhir, product: Product) -> None:
    mine, control = number(), new_control_id()
    product.send(adt("A01", "2026-03-02 08:00", mrn=mine, visit=f"V{mine}"))
    product.send(adt("A03", "2026-03-12 11:00", mrn=mine, visit=f"V{mine}", disposition="01",
                     recorded=NOW, control_id=control))  # fmt: skip
    assert fhir.stay_of(f"V{mine}")["status"] == "in-progress"
    assert fhir.loops(fhir.patient_of(mine)) == []
    [item] = fhir.api(f"inbox?control_id={control}")["items"]
    assert item["reason"], "a person must be able to see why nothing happened"
    product.deadlines("2026-03-12T12:00:00-04:00")
    assert fhir.stay_of(f"V{mine}")["status"] == "finished"
    [loop] = fhir.loops(fhir.patient_of(mine))
    assert fhir.steps(loop)["contact"]["restriction"]["period"]["end"] == "2026-03-16T23:59:59-04:00"


def test_a29_never_deletes(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A28", NOW, mrn=mine))
    [ack] = product.send(adt("A29", NOW, mrn=mine))
    assert ack.code == "AA"
    assert len(fhir.find(f"Patient?identifier={mine}")) == 1


def test_other_adt_events_update_fields_only(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A01", NOW, mrn=mine, visit=f"V{mine}"))
    [ack] = product.send(adt("A54", NOW, mrn=mine, visit=f"V{mine}", service="SURG"))
    assert ack.code == "AA"
    stay = fhir.stay_of(f"V{mine}")
    assert stay["status"] == "in-progress"
    assert "SURG" in str(stay["serviceType"])


def test_leave_is_no_discharge(product: Product, fhir: Fhir) -> None:
    mine = number()
    more = {"mrn": mine, "visit": f"V{mine}"}
    product.send(adt("A01", "2026-03-02 08:00", **more), adt("A21", "2026-03-04 08:00", **more))
    assert fhir.stay_of(f"V{mine}")["status"] == "onleave"
    product.send(adt("A22", "2026-03-05 08:00", **more))
    assert fhir.stay_of(f"V{mine}")["status"] == "in-progress"
    assert fhir.loops(fhir.patient_of(mine)) == []


def test_a_discharge_without_admission_has_an_unknown_admit_time(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A03", NOW, mrn=mine, visit=f"V{mine}", disposition="01"))
    stay = fhir.stay_of(f"V{mine}")
    assert stay["status"] == "finished"
    assert "start" not in stay["period"]
    person = fhir.patient_of(mine)
    assert len(fhir.loops(person)) == 1
    [lace] = fhir.find(f"Observation?patient=Patient/{person}&code=urn:careloop:score|lace")
    assert lace["dataAbsentReason"]


def test_a_changed_discharge_time_moves_every_deadline(product: Product, fhir: Fhir) -> None:
    mine = number()
    more = {"mrn": mine, "visit": f"V{mine}"}
    product.send(adt("A01", "2026-03-02 08:00", **more), adt("A03", "2026-03-06 11:00", disposition="01", **more))
    person = fhir.patient_of(mine)
    [loop] = fhir.loops(person)
    fhir.write(outreach(person, "2026-03-06 11:30"))
    assert fhir.steps(loop)["contact"]["status"] == "completed"
    product.send(adt("A08", "2026-03-06 16:30", disposition="01", discharge="2026-03-06 14:00", **more))
    [after] = fhir.loops(person)
    steps = fhir.steps(after)
    assert after["id"] == loop["id"]
    assert steps["home-visit"]["restriction"]["period"]["end"] == "2026-03-09T15:00:00-04:00"
    assert steps["contact"]["status"] != "completed", "a call before the true discharge does not count (TR-24)"


def test_junk_between_frames_and_line_feeds_are_tolerated(product: Product) -> None:
    control = new_control_id()
    message = adt("A28", NOW, mrn=number(), control_id=control).replace("\r", "\r\n").encode()
    with Mllp(product.door()) as connection:
        connection.raw(b"junk\r\n" + b"\x0b" + message[:40])
        connection.raw(message[40:] + b"\x1c")
        connection.raw(b"\r")
        assert connection.answer().control_id == control


def test_segments_of_a_merge_loop_are_refused(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A28", NOW, mrn=mine))
    person = fhir.patient_of(mine)
    product.send(adt("A40", NOW, mrn=mine, prior=mine))
    assert fhir.read(f"Patient/{person}").get("active") is not False
    assert fhir.patient_of(mine) == person


def test_the_time_of_an_event_is_evn_6(product: Product, fhir: Fhir) -> None:
    mine = number()
    product.send(adt("A01", "2026-03-02 08:00", recorded=NOW, mrn=mine, visit=f"V{mine}"))
    assert at("2026-03-02 08:00").isoformat() == fhir.stay_of(f"V{mine}")["period"]["start"]
