"""A batch file is answered as a batch, message by message; a trailer that promises something else is a warning."""

from tests.messages import adt

from careloop.cli.load import load, write_acknowledgments
from careloop.intake.hl7v2 import parse

HEADER = (
    b"FHS|^~\\&|REG|STMARY|CARELOOP|RIVERBEND|20261120||||F7\rBHS|^~\\&|REG|STMARY|CARELOOP|RIVERBEND|20261120||||B7\r"
)


def loaded(door, tmp_path, *messages, trailer):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "night.hl7").write_bytes(HEADER + b"".join(messages) + trailer)
    result = load(door.app, door.tenant, [tmp_path / "in"])
    write_acknowledgments(tmp_path / "out", result)
    [answer] = [path.read_bytes().decode() for path in (tmp_path / "out").iterdir()]
    return result, answer


def segments(answer, name):
    return [line.split("|") for line in answer.split("\r") if line.startswith(name)]


def test_each_message_of_a_batch_is_answered_in_its_order_to_the_sender_of_the_batch(door, tmp_path):
    wrong = adt("A01", control_id="BAD").replace(b"PID|1||100234", b"PID|1||")
    messages = adt("A01", control_id="ONE"), wrong, adt("A03", control_id="TWO", at="20261121080000-0500")
    result, answer = loaded(door, tmp_path, *messages, trailer=b"BTS|3\rFTS|1\r")
    [header] = segments(answer, "BHS")
    assert header[4:6] == ["REG", "STMARY"] and header[2:4] == ["CARELOOP", "RIVERBEND"]
    assert header[11] == "B7"
    told = [(one[1], one[2]) for one in segments(answer, "MSA")]
    assert [number for _, number in told] == ["ONE", "BAD", "TWO"]
    assert told[0][0] == told[2][0] == "AA" and told[1][0] in ("AE", "AR")
    assert segments(answer, "ERR")
    assert segments(answer, "BTS") == [["BTS", "3"]]
    assert not [one for one in result.warnings if "BTS-1" in one]


def test_a_trailer_that_promises_more_messages_than_there_are_is_a_warning_and_all_are_taken(door, tmp_path):
    result, answer = loaded(door, tmp_path, adt("A01", control_id="ONE"), trailer=b"BTS|5\rFTS|1\r")
    [warning] = [one for one in result.warnings if "BTS-1" in one]
    assert warning.endswith("night.hl7: BTS-1: expected 5 messages, the file holds 1")
    assert [one[1] for one in segments(answer, "MSA")] == ["AA"]
    assert door.patient()["id"]


def test_loading_the_same_batch_again_is_answered_in_the_same_way(door, tmp_path):
    _, first = loaded(door, tmp_path, adt("A01", control_id="ONE"), trailer=b"BTS|1\rFTS|1\r")
    again = load(door.app, door.tenant, [tmp_path / "in"])
    [second] = again.acknowledgments.values()
    assert [one[1:3] for one in segments(second.decode(), "MSA")] == [one[1:3] for one in segments(first, "MSA")]
    assert door.count("stay_event") == 1


def test_the_answer_can_be_read_as_messages(door, tmp_path):
    _, answer = loaded(door, tmp_path, adt("A01", control_id="ONE"), trailer=b"BTS|1\rFTS|1\r")
    body = answer[answer.index("MSH") : answer.index("BTS")]
    assert parse(body).get("MSA-2") == "ONE"
