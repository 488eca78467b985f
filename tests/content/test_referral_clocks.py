"""The clocks of the referral pathway are those of the priorities: one number, said twice, never two."""

from careloop.catalog import load_catalog


def _plain(span: str) -> str:
    amount, unit = str(span).split()
    return f"{amount} {unit.removesuffix('s')}"


def test_triage_and_booking_clocks_are_those_of_the_priorities() -> None:
    catalog = load_catalog()
    steps = {step["id"]: step for step in catalog.pathways["referral"]["steps"]}
    rows = catalog.document("referrals", "priorities")["priorities"]
    for step, column in (("accepted", "triage"), ("booked", "schedule")):
        said = {word: _plain(span) for word, span in steps[step]["due"]["within"].items()}
        assert said == {row["id"]: _plain(row[column]) for row in rows}
