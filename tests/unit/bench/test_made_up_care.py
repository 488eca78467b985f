"""Made-up care reaches every pathway: what no simulation opens, no simulation can find wrong."""

from datetime import UTC, datetime, timedelta
from random import Random

from careloop.bench.made_up_care import Care
from careloop.bench.simulation import openers_of
from careloop.catalog import load_catalog
from careloop.loops.facts import Known, read_facts
from careloop.loops.keys import key_reader
from careloop.loops.pathways import read_pathways
from careloop.loops.rules.moments import Moments
from careloop.loops.rules.opening import anchors

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
_MOST = 3_000


def test_every_pathway_is_opened_by_something() -> None:
    catalog = load_catalog()
    pathways, keys = read_pathways(catalog), key_reader(catalog)
    waiting = dict(pathways.active)
    care = Care(Random(1), ["Practitioner/1"], openers_of(waiting.values()))
    for _ in range(_MOST):
        said = care.opening("p", NOW)
        found = Known(resource=said, last_updated=NOW, version=1)
        facts = read_facts([found], tenant_id=1, patient_id="p", zone="America/New_York", roles={}, keys=keys)
        for one in list(waiting.values()):
            if list(anchors(one, facts, pathways, Moments(NOW + timedelta(days=1)))):
                del waiting[one.id]
        if not waiting:
            break
    assert sorted(waiting) == []
