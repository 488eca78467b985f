"""The mapping language: what stands beside a value is of the same segment; conditions; paths."""

from careloop.intake.addresses import tests_of as conditions_of
from careloop.intake.addresses import values_at
from careloop.intake.datatypes import Context
from careloop.intake.hl7v2 import parse
from careloop.intake.mapping import fill, nested

TEXT = "MSH|^~\\&|A|B\rNTE|1||First||\rNTE|2||Second||7^WONG^LI|20261120\rOBX|1|NM|1^A^L||5&6^x~7|mg\r"


def view(*names):
    message = parse(TEXT)
    return {name: message.all(name) for name in names}


def test_what_stands_beside_a_value_is_of_the_same_segment(mappings, feed):
    context = Context(tenant_id=1, facility="B", feed=feed, tables=mappings.tables)
    notes = nested(fill(mappings.segments["nte-note"], view("NTE"), context))["note"]
    assert [note["text"] for note in notes] == ["First", "Second"]
    assert "authorReference" not in notes[0]
    assert notes[1]["authorReference"]["display"] == "LI WONG" and notes[1]["time"] == "2026-11-20"


def test_an_address_names_a_field_or_a_part_of_each_repetition():
    segments = view("OBX")
    assert [one.raw for one in values_at("OBX-5", segments)] == ["5&6^x", "7"]
    assert [one.component(2) for one in values_at("OBX-5.1", segments)] == ["6", ""]
    assert values_at("OBX-9", segments) == values_at("ZZZ-1", segments) == []


def test_conditions_ask_for_codes_for_something_and_for_nothing():
    segments = view("OBX")
    asked = {
        True: [{"from": "OBX-2", "in": ["NM"]}, {"filled": "OBX-6"}, {"empty": "OBX-7"}, {"repeated": "OBX-5"}],
        False: [{"from": "OBX-2", "not-in": ["NM"]}, {"filled": "OBX-7"}, {"empty": "OBX-6"}, {"repeated": "OBX-6"}],
    }
    for answer, conditions in asked.items():
        assert [one.holds(segments) for one in conditions_of(conditions)] == [answer] * 4
    assert conditions_of([{"from": "OBX-8", "in": [""]}])[0].holds(segments)


def test_paths_become_objects_and_lists():
    flat = {"a.b[].c": 1, "a.b[].d": 2, "e[]": [3, 4], "f": {"g": 5}, "h": None}
    assert nested(flat) == {"a": {"b": [{"c": 1, "d": 2}]}, "e": [3, 4], "f": {"g": 5}}
