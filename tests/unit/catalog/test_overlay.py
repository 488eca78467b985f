"""A practice's own rules over what ships."""

import pytest

from careloop.catalog import OwnRule, RuleOverlays, digest_of, load_catalog, overlaid, own_version
from careloop.loops.pathways import read_pathways

CATALOG = load_catalog()
NAME = "ed-visit"


def own(number, holds, **more):
    document = {**CATALOG.pathways[NAME], "version": own_version("1.0.0", number), "title": f"Ours {number}", **more}
    return OwnRule(kind="pathways", name=NAME, document=document, holds=holds)


def test_the_version_that_holds_takes_the_place_and_all_others_stay_to_be_found():
    pathways = read_pathways(overlaid(CATALOG, [own(1, False), own(2, True)]))
    assert pathways.active[NAME].title == "Ours 2"
    assert {version for name, version in pathways.versions if name == NAME} == {"1.0.0", "1.0.1001", "1.0.1002"}
    assert pathways.versions[NAME, "1.0.0"].status == "retired"
    assert len(pathways.active) == len(CATALOG.pathways)


def test_back_to_what_ships_keeps_the_old_versions_for_running_loops():
    pathways = read_pathways(overlaid(CATALOG, [own(1, False)]))
    assert (pathways.active[NAME].version, pathways.versions[NAME, "1.0.1001"].title) == ("1.0.0", "Ours 1")


def test_the_order_of_work_is_replaced_and_what_ships_is_untouched():
    rank = CATALOG.document("worklist", "rank")
    rule = OwnRule(kind="worklist", name="rank", document={**rank, "now_from": 10}, holds=True)
    assert overlaid(CATALOG, [rule]).document("worklist", "rank")["now_from"] == 10
    assert CATALOG.document("worklist", "rank")["now_from"] == rank["now_from"]


def test_a_digest_is_of_what_a_rule_says():
    one = CATALOG.pathways[NAME]
    assert digest_of(one) == digest_of(dict(reversed(one.items()))) == digest_of({**one, "version": "9.9.9"})
    assert digest_of(one) != digest_of({**one, "title": "Another"})


@pytest.mark.parametrize(("base", "number", "version"), [("1.0.0", 1, "1.0.1001"), ("2.3.7", 12, "2.3.1012")])
def test_own_versions_are_unlike_any_that_ships(base, number, version):
    assert own_version(base, number) == version


def test_content_is_made_again_only_when_the_revision_moves():
    made, known = [], RuleOverlays()

    def make():
        made.append(1)
        return overlaid(CATALOG, [])

    first = known.get(1, 1, make)
    assert known.get(1, 1, make) is first
    assert known.get(1, 2, make) is not first
    assert known.get(2, 2, make) is not first
    assert len(made) == 3
