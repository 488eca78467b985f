"""The must-support elements of our tables are those that Inferno's metadata lists for US Core, for two releases."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from careloop.fhir import definitions as tables
from careloop.fhir.conformance.profiles import MISSING, Profiles, Shape, load

pytestmark = pytest.mark.shared

OURS = {"v3.1.1": "3.1.0", "v8.0.0": "9.0.0"}
"""Inferno's release and ours that is nearest."""
EXCLUSIONS = yaml.safe_load(Path(__file__).with_name("exclusions.yaml").read_text())["must-support"]
_CHOICES = (
    "value|effective|onset|abatement|occurrence|performed|deceased|reported|due|medication|timing|product|start"
    "|dose(?!And)"
)
_TYPED = re.compile(rf"^({_CHOICES})[A-Z]\w+$")


def plain(path: str) -> str:
    """A path without slice names and types of choices: they are named differently in every release."""
    path = re.sub(r"\[x\](:[^.]+)?", "", path)
    path = path if path.startswith("extension") else re.sub(r":[^.]+", "", path)
    return ".".join(_TYPED.sub(r"\1", step) for step in path.split("."))


def supported(shape: Shape, path: str = "") -> set[str]:
    """Every element that the profile marks, and the codes that it fixes, by plain path."""
    found: set[str] = set()
    for name, child in shape.children.items():
        here = f"{path}.{name}".lstrip(".")
        for place, one in ((here, child), *((f"{here}:{key}", one) for key, one in child.slices.items())):
            found |= {plain(place)} if one.support else set()
            found |= {plain(f"{place}.coding.code")} if one.pattern is not MISSING else set()
            found |= supported(one, place)
    return found


def wanted(group: dict[str, Any]) -> set[str]:
    """What Inferno lists for a profile."""
    listed = group[":must_supports"]
    named = [one[":slice_id"] for one in listed[":slices"]] + [one[":id"] for one in listed[":extensions"]]
    return {one[":path"] for one in listed[":elements"]} | {one.partition(".")[2] for one in named}


def found_for(profiles: Profiles, group: dict[str, Any], release: str) -> tuple[str, set[str], set[str]] | None:
    """The profile's name, what is wanted of it and what of that our tables lack."""
    url = group[":profile_url"]
    profile = profiles.find(f"{url}|{OURS[release]}") or profiles.find(f"{url}|4.0.1")
    if profile is None:
        return None
    ours = supported(profiles.shape(profile))
    return profile.name, wanted(group), {one for one in wanted(group) if plain(one) not in ours}


@pytest.mark.parametrize("release", OURS)
def test_must_support_is_what_inferno_lists(shared: Path, release: str) -> None:
    folder = shared / "data" / "conformance" / "us-core-inferno-metadata"
    groups = yaml.load((folder / f"{release}.yml").read_text(), Loader=yaml.CSafeLoader)[":groups"]
    profiles = load(tables.load())
    compared = [one for group in groups if (one := found_for(profiles, group, release)) is not None]
    excluded = {one["profile"]: set(one["elements"]) for one in EXCLUSIONS if one["release"] == release}
    assert {name: lost for name, _, lost in compared if lost} == excluded
    assert len(groups) - len(compared) <= 1
    total, missing = sum(len(all_of) for _, all_of, _ in compared), sum(len(lost) for _, _, lost in compared)
    assert total > 350
    assert 1 - missing / total >= 0.97
