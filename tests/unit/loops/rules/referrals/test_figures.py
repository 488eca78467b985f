"""The closed-loop rate counts every referral once, whatever the day, and says where the others stand."""

from careloop.loops.rules.referrals.figures import Standing, closed_loops


def standing(state: str, count: int = 1, column: str = "", clinic: str = "Heart") -> Standing:
    return Standing(state=state, column=column, clinic=clinic, count=count)


def test_the_rate_is_over_all_referrals_and_names_where_the_others_are() -> None:
    found = closed_loops(
        [
            standing("closed", 6), standing("sent", 2, "no-answer"), standing("report-received", 1, "report"),
            standing("patient-declined"), standing("received", 1, "no-answer", "Lung"), standing("expired"),
        ]
    )  # fmt: skip
    assert (found.closed, found.asked, found.share) == (6, 12, 0.5)
    assert found.rest == (
        ("No answer from the clinic", 3),
        ("Report here, not read or patient not told", 1),
        ("The patient said no", 1),
        ("Ended without a report", 1),
    )


def test_case_5_a_redirected_referral_counts_once_where_it_went() -> None:
    found = closed_loops([standing("redirected"), standing("closed")])
    assert (found.closed, found.asked, found.redirected) == (1, 1, 1)


def test_nothing_asked_is_no_rate_and_not_zero() -> None:
    assert closed_loops([]).share is None
    assert closed_loops([standing("redirected")]).share is None
