"""A discharge becomes work with owners and clocks, is done, and closes by proof."""


def test_a_discharge_home_opens_one_loop_whose_steps_all_have_owners_and_deadlines(practice):
    practice.move_to("2026-03-06 17:00")
    patient = practice.patient()
    practice.stay(patient, end="2026-03-06 16:30")
    loop = practice.loop(patient)
    assert loop.state.status.is_open
    assert practice.step(patient, "contact").due.isoformat().startswith("2026-03-1")
    task = practice.task(loop.id)
    assert task["owner"]["reference"] == practice.reference("dana")
    assert task["restriction"]["period"]["end"] == "2026-04-04T23:59:59-04:00"
    assert loop.steps["medication-reconciliation"].owner == practice.reference("nia")


def test_the_same_fact_again_writes_nothing(practice):
    practice.move_to("2026-03-06 17:00")
    patient = practice.patient()
    stay = practice.stay(patient, end="2026-03-06 16:30")
    before = practice.versions()
    practice.stay(patient, stay, end="2026-03-06 16:30")
    assert practice.versions() == before
