"""Waves of two sizes are compared at one core speed, and what a wave asks for is there when it is asked."""

import os
import socket
from collections import Counter

from careloop.bench import fhir, fhir_blend
from careloop.bench.accounting import Spent, _used
from careloop.bench.fhir_blend import Sample
from careloop.bench.fhir_rounds import PACE, Middle, Wave, dearer, growth
from careloop.bench.traffic import Request, Traffic, _lane

_PERSON = {"resourceType": "Patient", "id": "1"}
_MEASURED = {"resourceType": "Observation", "id": "2"}
_SAMPLE = Sample([_PERSON], [_MEASURED], [], [], 1)


def _wave(milliseconds: float, *, pace: float = PACE, size: int = 100, counted: int | None = None) -> Wave:
    traffic = Traffic(seconds={"a": [0.001] * 10}, sizes={"a": [size] * 10}, wall=0.1)
    if counted is not None:
        traffic.counted["a"] = [counted] * 10
    return Wave(traffic, Spent(web=milliseconds / 100, database=0.0, behind=9.0), pace)


def test_a_slow_core_makes_no_dearer_figure() -> None:
    assert _wave(2.0, pace=PACE / 2).at_pace == _wave(1.0).at_pace
    assert round(_wave(2.0).milliseconds, 9) == 2.0


def test_the_middle_wave_counts_and_a_disturbed_one_does_not() -> None:
    assert round(Middle([_wave(1.0), _wave(50.0), _wave(1.1)]).at_pace, 9) == 1.1


def test_growth_is_what_the_answer_does_not_explain() -> None:
    small = [_wave(1.0), _wave(1.0), _wave(1.0)]
    assert round(growth(small, [_wave(2.0), _wave(2.0), _wave(9.0)]), 9) == 2.0
    assert round(growth(small, [_wave(2.0, size=200)] * 3), 9) == 1.0
    assert round(growth(small, [_wave(2.0, size=50)] * 3), 9) == 2.0


def test_the_result_of_a_count_is_what_it_counts_and_its_plain_growth_stands_beside() -> None:
    small, large = [_wave(1.0, counted=10)] * 3, [_wave(2.0, counted=100)] * 3
    assert round(growth(small, large), 9) == 0.2
    assert round(dearer(small, large), 9) == 2.0


def test_a_count_is_read_from_the_answer() -> None:
    ours, theirs = socket.socketpair()
    body = b'{"resourceType":"Bundle","type":"searchset","total":2858}'
    theirs.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    found, faults = Traffic(), []
    _lane(ours, [(Request("count", "GET", "/fhir/Observation?_summary=count"), b"x")], found, faults)
    assert (found.counted, found.sizes, faults) == ({"count": [2858]}, {"count": [len(body)]}, [])


def test_rest_is_taken_off_each_part() -> None:
    left = Spent(3.0, 2.0, 1.0).less(Spent(0.5, 0.25, 0.1), 2.0)
    assert (left.web, left.database, round(left.behind, 9)) == (2.0, 1.5, 0.8)
    assert left.asked == 3.5


def test_the_clock_of_a_process_counts_what_it_does() -> None:
    before = _used(os.getpid())
    total = sum(range(200_000))
    after = _used(os.getpid())
    assert total
    assert before is not None
    assert after is not None
    assert after > before


def test_the_mix_has_its_shares_and_asks_only_for_what_the_waves_before_have_made() -> None:
    shares = Counter(one.kind for one in fhir_blend.mix_wave(_SAMPLE, 5, "m"))
    assert shares == {"create": 32, "read": 80, "update": 32, "delete": 16}
    standing: set[str] = set()
    for number in range(6):
        wave = fhir_blend.mix_wave(_SAMPLE, number, "m")
        gone = {one.path for one in wave if one.kind == "delete"}
        asked = {one.path for one in wave if one.kind != "create"}
        assert asked <= standing
        assert not gone & {one.path for one in wave if one.kind in ("read", "update")}
        standing = (standing | {one.path for one in wave if one.kind == "create"}) - gone


def test_the_report_has_every_class_with_its_aim_and_its_growth() -> None:
    names = fhir.waves_of(_SAMPLE, "1", 16)
    found = {name: [_wave(0.4), _wave(0.5), _wave(0.6)] for name in names}
    dearer = {**found, "Task?patient": [_wave(0.8)] * 3}
    rest = Spent(0.0, 0.0, 0.05)
    lines = {one.name: one for one in fhir.report_of("5: ", rest, found, {"mix": 0.2})}
    assert round(lines["5: read"].value, 9) == 0.5
    assert lines["5: read"].met is True
    assert round(lines["5: Task?patient"].value, 9) == 0.5
    assert lines["5: work behind: create/read/update/delete"].value == 0.2
    growth = {one.name.rpartition(": ")[2]: one.met for one in fhir.growth_of(found, dearer)}
    assert growth["Task?patient"] is False
    assert growth["read"] is True
    assert {name for name, _ in fhir_blend.BLEND} <= growth.keys()
