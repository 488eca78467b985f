"""`content/results` says what the domain's tables say, line by line, and is checked before a server starts with it."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from careloop.catalog import CONTENT, load_catalog, read_yaml
from careloop.catalog.result_names import result_faults
from careloop.errors import ContentError

DOCUMENTS = load_catalog().documents("results")


def rows(shared: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((shared / "domain" / name).read_text().splitlines()))


@pytest.mark.shared
def test_critical_values_are_those_of_the_domain(shared: Path) -> None:
    ours = {row["loinc"]: row for row in DOCUMENTS["critical-values"]["rows"]}
    theirs = rows(shared, "critical-values.csv")
    assert len(ours) == len(theirs)
    for row in theirs:
        mine = ours[row["loinc"]]
        assert (mine["test"], mine["age_group"], mine["tier"], str(mine["minutes"]), mine["mark"]) == (
            row["test"],
            row["age_group"],
            row["tier"],
            row["notify_minutes"],
            row["mark"],
        )
        assert mine.get("unit", "") == row["unit_ucum"].replace("pH", "[pH]")
        for side, sign, limit in (("below", "<", "low_critical"), ("above", ">", "high_critical")):
            if row[limit].startswith(sign):
                assert Decimal(mine[side]) == Decimal(row[limit].removeprefix(sign).strip())
            else:
                assert side not in mine
        assert mine.get("positive", False) is row["high_critical"].startswith("positive")
        assert mine.get("above_range", False) is ("99th" in row["high_critical"])


@pytest.mark.shared
def test_clocks_are_those_of_the_domain(shared: Path) -> None:
    groups = {group["id"]: group for group in DOCUMENTS["windows"]["groups"]}
    groups["pending_at_discharge"] = DOCUMENTS["windows"]["pending_at_discharge"]
    theirs = rows(shared, "result-windows.csv")
    assert {row["test_group"] for row in theirs} == set(groups)
    for row in theirs:
        mine = groups[row["test_group"]]
        assert [
            mine["ordered_to_collected_days"],
            mine["collected_to_result_days"],
            *(mine["result_to_review_business_days"][name] for name in ("normal", "abnormal")),
            *(mine["review_to_patient_notified_days"][name] for name in ("normal", "abnormal")),
        ] == [plain(text) for name, text in row.items() if name not in ("test_group", "mark")]
        assert mine["mark"] == row["mark"]


def plain(text: str) -> float | str:
    return text if text == "as_test" else float(text)


@pytest.mark.shared
def test_further_steps_are_those_of_the_domain(shared: Path) -> None:
    ours = {row["trigger"]: row for row in DOCUMENTS["abnormal-followup"]["rows"]}
    theirs = rows(shared, "abnormal-followup.csv")
    assert set(ours) == {row["trigger"] for row in theirs}
    for row in theirs:
        mine = ours[row["trigger"]]
        assert (mine["required_follow_up"], mine.get("note", ""), mine["mark"]) == (
            row["required_follow_up"],
            row["note"],
            row["mark"],
        )
        assert [str(mine.get(name, "")) for name in ("target_days", "limit_days")] == [
            row["target_days"],
            row["limit_days"],
        ]


@pytest.mark.shared
def test_nodules_are_those_of_the_domain(shared: Path) -> None:
    theirs = rows(shared, "fleischner-2017.csv")
    assert len(DOCUMENTS["fleischner"]["rows"]) == len(theirs)
    for mine, row in zip(DOCUMENTS["fleischner"]["rows"], theirs, strict=True):
        months = mine.get("months", {})
        assert [mine["type"], mine["count"], mine["from"], mine["below"], mine["risk"], mine["says"]] == [
            row["type"],
            row["count"],
            row["size_mm_low_inclusive"],
            row["size_mm_high_exclusive"],
            row["patient_risk"],
            row["recommendation"],
        ]
        assert [str(months.get("from", "")), str(months.get("to", "")), mine.get("later", "")] == [
            row["next_months_min"],
            row["next_months_max"],
            row["later"],
        ]


def test_nothing_is_called_reviewed_that_nobody_signed() -> None:
    for document in DOCUMENTS.values():
        assert document["reviewed"] is None
        listed = document["rows"] if "rows" in document else document["groups"]
        for row in listed:
            assert row["mark"] in ("K", "P", "S")
            assert row.get("reviewed") is None


def changed(name: str, **other: Any) -> dict[str, Any]:
    documents = json.loads(json.dumps(DOCUMENTS))
    documents[name] |= other
    return documents


def test_names_that_point_nowhere_are_found() -> None:
    abnormal = DOCUMENTS["abnormal-followup"]["rows"]
    assert list(result_faults(DOCUMENTS)) == []
    for wrong in ({"needs": "magic"}, {"when": [{"group": "magic", "words": ["x"]}]}, {"target_days": 999}):
        faults = list(result_faults(changed("abnormal-followup", rows=[abnormal[0] | wrong])))
        assert len(faults) == 1
    critical = DOCUMENTS["critical-values"]["rows"]
    assert len(list(result_faults(changed("critical-values", rows=[critical[0], critical[0]])))) == 1
    assert len(list(result_faults(changed("critical-values", rows=[critical[0] | {"age_group": "x"}])))) == 1
    assert len(list(result_faults(changed("critical-values", rows=[critical[0] | {"above": "1.0"}])))) == 1
    nodule = DOCUMENTS["fleischner"]["rows"][0]
    assert len(list(result_faults(changed("fleischner", rows=[nodule | {"below": "0"}])))) == 1


def test_a_site_signs_its_own_list(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    text = (CONTENT / "results" / "critical-values.yaml").read_text()
    (folder / "critical-values.yaml").write_text(
        text.replace('below: "2.8", above: "6.2"', 'below: "3.0", above: "6.0"')
    )
    catalog = load_catalog(tmp_path)
    row = catalog.document("results", "critical-values")["rows"][0]
    assert (row["below"], row["above"]) == ("3.0", "6.0")
    (folder / "critical-values.yaml").write_text(text.replace('above: "6.2"', "above: high"))
    with pytest.raises(ContentError) as caught:
        load_catalog(tmp_path)
    assert "rows[0]" in caught.value.faults[0].at


def test_files_read_as_they_are_written() -> None:
    for path in (CONTENT / "results").glob("*.yaml"):
        assert read_yaml(path.read_text())["id"] == path.stem
