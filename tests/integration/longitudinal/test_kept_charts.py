"""A chart that the process kept is given out only while nothing that it rests on has changed."""

from dataclasses import replace

import pytest
from tests.integration.intake.conftest import door  # noqa: F401
from tests.integration.longitudinal.test_three_sources import Person

from careloop.flows import contradictions, episode_cards, kept_charts, merging, patient_record, patients
from careloop.flows.kept_charts import AllKeptFacts, KeptChart, KeptCharts
from careloop.longitudinal import People


@pytest.fixture
def person(door, monkeypatch):  # noqa: F811
    monkeypatch.setattr(kept_charts, "WORTH_KEEPING", 1)
    found = Person(door)
    found.app = replace(found.app, charts=KeptCharts(), facts=AllKeptFacts())
    return found


def seen(person, charts, facts=None):
    app = replace(person.app, charts=charts, facts=facts or AllKeptFacts())

    def work(tx):
        both = (person.id, person.other_id)
        pages = [patients.page(app, tx, person.principal, one, most=500) for one in both]
        cards = [episode_cards.cards_by_patient(app, tx, [one]) for one in both]
        return pages, [patient_record.record_page(app, tx, person.principal, one) for one in both], cards

    return person.run(work)


def observe(person, value, *, performer="Practitioner/lee", status="final"):
    person.put(
        resourceType="Observation", id="weight", status=status, code={"text": "Weight"},
        subject={"reference": f"Patient/{person.id}"}, effectiveDateTime="2026-11-01",
        performer=[{"reference": performer}], valueQuantity={"value": value, "unit": "kg"},
    )  # fmt: skip


def name(person, family):
    person.put(resourceType="Practitioner", id="lee", name=[{"family": family}])


def stay(person, **said):
    person.put(
        **{
            "resourceType": "Encounter", "id": "stay", "status": "in-progress", "class": {"code": "IMP"},
            "subject": {"reference": f"Patient/{person.id}"}, "period": {"start": "2026-11-20T10:00:00Z"}, **said,
        }
    )  # fmt: skip


def tell(person):
    person.put(
        resourceType="Provenance", id="told", recorded="2026-11-02T10:00:00Z",
        target=[{"reference": "Observation/weight"}], agent=[{"who": {"reference": "Practitioner/lee"}}],
    )  # fmt: skip


def join(person):
    person.joined = person.join().id


CHANGES = {
    "a new fact": lambda person: observe(person, 71),
    "a corrected fact": lambda person: observe(person, 72),
    "the name of who told it": lambda person: name(person, "Leeds"),
    "a Provenance": tell,
    "a stay": stay,
    "the end of the stay": lambda person: stay(
        person, status="finished", period={"start": "2026-11-20T10:00:00Z", "end": "2026-11-22T10:00:00Z"}
    ),
    "a mistake": lambda person: observe(person, 72, status="entered-in-error"),
    "two people who are one": lambda person: join(person),
    "two people again": lambda person: person.run(
        lambda tx: merging.unmerge(person.app, tx, person.principal, person.joined, "not the same")
    ),
    "a contradiction": lambda person: contradictions.catch_up(person.app, person.tenant),
}


def test_a_kept_chart_is_never_older_than_the_record(person):
    name(person, "Lee")
    for what, change in CHANGES.items():
        change(person)
        now = seen(person, KeptCharts())
        assert seen(person, person.app.charts, person.app.facts) == now, what
        assert seen(person, person.app.charts, person.app.facts) == now, f"{what}, asked again"


def test_a_chart_that_nothing_changed_is_not_read_again(person, monkeypatch):
    observe(person, 71)
    before = seen(person, person.app.charts, person.app.facts)
    monkeypatch.setattr(type(person.app.record), "of_patient", None)
    assert seen(person, person.app.charts, person.app.facts) == before


def test_what_was_asked_for_longest_ago_goes_first(monkeypatch):
    monkeypatch.setattr(kept_charts, "MOST", 500)
    charts = KeptCharts()

    def chart(count):
        some = {"Observation": [{}] * count}
        return KeptChart(facts="", provenances="", told=(), cited=(), by_type=some, matters=(), people=People())

    for name_ in ("a", "b"):
        charts.put((1, name_, ()), chart(250))
    assert charts.get((1, "a", ()))
    charts.put((1, "c", ()), chart(250))
    assert [charts.get((1, one, ())) is not None for one in "abc"] == [True, False, True]
    charts.put((1, "large", ()), chart(501))
    assert charts.get((1, "large", ())) is None
