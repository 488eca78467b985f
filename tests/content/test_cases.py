"""Every content file has cases, and every case holds. Any number of sentences, one test a file."""

from pathlib import Path

import pytest

from careloop.catalog import CONTENT, load_catalog, read_yaml
from careloop.loops.cases import Content, run_cases
from careloop.loops.keys import key_reader
from careloop.loops.pathways import read_calendar, read_pathways

HERE = Path(__file__).parent
KINDS = ("pathways", "calendars", "risk", "transitions")
FILES = sorted(path for kind in KINDS for path in (HERE / kind).glob("*.cases.yaml"))
COVERED_ELSEWHERE = {"transitions/planned-readmission"}
"""Run through cases 13 of `pathways/discharge-transition.cases.yaml`."""


@pytest.fixture(scope="module")
def content() -> Content:
    catalog = load_catalog()
    return Content(pathways=read_pathways(catalog), calendar=read_calendar(catalog), keys=key_reader(catalog))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_case_of_the_file_holds(path: Path, content: Content) -> None:
    report = run_cases(read_yaml(path.read_text()), path.name, content)
    assert report.cases > 0
    assert [f"{fault.at} | expected {fault.expected}" for fault in report.faults] == []


def test_every_content_file_has_cases() -> None:
    files = {f"{kind}/{path.stem}" for kind in KINDS for path in (CONTENT / kind).glob("*.yaml")}
    cases = {f"{path.parent.name}/{path.name.removesuffix('.cases.yaml')}" for path in FILES}
    assert files - cases - COVERED_ELSEWHERE == set()


def test_a_case_that_is_not_true_is_reported(content: Content) -> None:
    stay = {"id": "v1", "from": "2026-03-02T08:00-05:00", "to": "2026-03-06T16:30-05:00", "disposition": "01"}
    case = {"case": "wrong", "given": [{"at": "2026-03-06T16:35-05:00", "stay": stay}], "then": {"loop": "completed"}}
    report = run_cases([case], "discharge-transition.cases.yaml", content)
    assert [fault.expected for fault in report.faults] == ["loop completed, it is open"]


def test_a_case_file_that_is_no_list_is_reported(content: Content) -> None:
    assert run_cases({}, "x.cases.yaml", content).faults[0].expected == "a list of cases"
