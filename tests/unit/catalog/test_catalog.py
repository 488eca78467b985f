"""Content is loaded whole or not at all, and every fault says where it is."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from careloop.catalog import CONTENT, load_catalog, read_yaml
from careloop.errors import ContentError, NotFound

PATHWAY = "pathways/ed-visit.yaml"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "pathways").mkdir(parents=True)
    return folder


def write(site: Path, change: Any, name: str = PATHWAY) -> None:
    """The product's file in the site's folder, changed."""
    document = read_yaml((CONTENT / name).read_text())
    change(document)
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_text(yaml.safe_dump(document, sort_keys=False))


def faults(site: Path) -> dict[str, str]:
    with pytest.raises(ContentError) as caught:
        load_catalog(site)
    return {fault.at: fault.expected for fault in caught.value.faults}


def test_our_own_content_is_whole() -> None:
    catalog = load_catalog()
    assert {"discharge-transition", "ed-visit"} <= set(catalog.pathways)


def test_every_file_states_its_source_and_whether_a_person_reviewed_it() -> None:
    catalog = load_catalog()
    for kind in ("pathways", "calendars", "risk", "transitions", "vocabulary"):
        for name, document in catalog.documents(kind).items():
            assert document["sources"], (kind, name)
            assert "reviewed" in document, (kind, name)


def test_a_site_replaces_a_file_by_its_name_and_adds_others(site: Path) -> None:
    write(site, lambda pathway: pathway.update(title="After the emergency room"))
    catalog = load_catalog(site)
    assert catalog.pathways["ed-visit"]["title"] == "After the emergency room"
    assert "discharge-transition" in catalog.pathways


def test_all_faults_of_one_run_are_told_each_with_file_and_path(site: Path) -> None:
    write(site, lambda pathway: pathway["steps"][0].update(due={"within": "3 fortnights", "rule": "x"}))
    (site / "pathways" / "broken.yaml").write_text("id: broken\nid: twice\n")
    found = faults(site)
    assert found["pathways/broken.yaml: line 1"] == "YAML (the key 'id' once only)"
    assert "text like" in found["pathways/ed-visit.yaml: steps[0].due.within"]


def test_a_file_without_sources_is_refused(site: Path) -> None:
    write(site, lambda pathway: pathway.pop("sources"))
    assert faults(site) == {f"{PATHWAY}: top": "the key sources"}


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (lambda p: p["steps"][0]["owner"].update(role="wizard"), "steps[0].owner.role"),
        (lambda p: p["steps"][0]["escalate"][0]["to"].update(role="wizard"), "steps[0].escalate[0].to.role"),
        (lambda p: p["ends_when"][0].update(reason="bored"), "ends_when[0].reason"),
        (lambda p: p["opens_when"].update(disposition_group=["moon"]), "opens_when.disposition_group"),
        (lambda p: p["steps"][1].update(due={"date_of": "nothing", "rule": "x"}), "steps[1].due.date_of"),
        (
            lambda p: p["steps"][1].update(done_when={"category": ["urn:careloop:communication|x"]}),
            "steps[1].done_when.category",
        ),
        (lambda p: p["steps"][1].update(done_when={"performed_by": ["wizard"]}), "steps[1].done_when.performed_by"),
        (lambda p: p["steps"][1].update(only_when={"tier": "high"}), "steps[1]"),
        (lambda p: p.update(id="other"), "id"),
        (lambda p: p["steps"].append(p["steps"][0]), "steps"),
    ],
)
def test_a_name_that_points_nowhere_is_a_fault(site: Path, change: Any, at: str) -> None:
    write(site, change)
    place = f"{PATHWAY}: {at}"
    assert place in faults(site)


def test_an_unknown_operator_is_a_fault(site: Path) -> None:
    write(site, lambda pathway: pathway["steps"][1].update(done_when={"python": "1 + 1"}))
    assert any("steps[1].done_when" in at for at in faults(site))


def test_an_unknown_code_of_a_table_is_a_fault(site: Path) -> None:
    def change(table: Any) -> None:
        table["statuses"][0]["follow_up"] = "party"

    write(site, change, "transitions/discharge-status.yaml")
    assert faults(site)["transitions/discharge-status.yaml: statuses[0].follow_up"].startswith("one of transition")


def test_bands_with_a_gap_are_a_fault(site: Path) -> None:
    write(site, lambda model: model["emergency_visits"].pop(2), "risk/lace.yaml")
    assert "risk/lace.yaml: emergency_visits[2].from" in faults(site)


def test_a_folder_of_no_known_kind_is_a_fault(site: Path) -> None:
    (site / "pathway").mkdir()
    assert "pathway/" in faults(site)


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="content/calendars/mars"):
        load_catalog().calendar("mars")


def test_a_table_gives_its_rows() -> None:
    assert {row["code"] for row in load_catalog().table("transitions/discharge-status")} >= {"01", "95"}


def test_dates_in_yaml_stay_the_text_that_stands_there() -> None:
    assert read_yaml("day: 2026-01-01\nnumber: 012") == {"day": "2026-01-01", "number": 10}


def test_a_copy_of_the_content_without_its_vocabulary_still_says_what_is_wrong(tmp_path: Path) -> None:
    copy = tmp_path / "content"
    shutil.copytree(CONTENT, copy, ignore=shutil.ignore_patterns("definitions"))
    (copy / "pathways" / "ed-visit.yaml").write_text("[]")
    with pytest.raises(ContentError) as caught:
        load_catalog(product=copy)
    assert [fault.at for fault in caught.value.faults] == ["pathways/ed-visit.yaml: top"]
