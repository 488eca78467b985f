"""Results of a patient with trend lines: every test, and one with its chart and all its values."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.params import FromPath
from markupsafe import Markup

from careloop.flows import result_series as flow
from careloop.flows.patient_values import Trend
from careloop.longitudinal.rules.series import Series, SeriesPoint
from careloop.web.charts import Band, Point, chart, ends_of, says_of, spark
from careloop.web.staff.context import SignedInStaff, Staff
from careloop.web.words import born_words

_MOST = 200
"""So many values of a test are drawn and listed; the newest."""
_SPARKED = 24


@get("/patients/{patient_id:str}/results", sync_to_thread=True)
def trends_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """Every test with its newest value and its line."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
    values = {"page": page, **_frame(staff), "lines": lines_of([one for _, some in page.groups for one in some])}
    return staff.page("trends.html", "/patients", values, about=patient_id)


@get("/patients/{patient_id:str}/results/{key:str}", sync_to_thread=True)
def trend_page(staff: SignedInStaff, patient_id: FromPath[str], key: FromPath[str]) -> Response[str]:
    """One test: its chart with the usual range, and every value."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.one(staff.app, tx, staff.principal, patient_id, key)
    series = page.trend.series
    values = {
        "page": page,
        **_frame(staff),
        "chart": chart_of_series(staff, series),
        "values": series.points[::-1][:_MOST],
        "hidden": max(len(series.points) - _MOST, 0),
    }
    return staff.page("trend.html", "/patients", values, about=patient_id)


def _frame(staff: Staff) -> dict[str, object]:
    return {"tab": "results", "problem": "", "primary": None, "born": born_words}


def lines_of(trends: Sequence[Trend]) -> dict[str, Markup]:
    """The small line of each series of two numbers or more, by key."""
    drawn = [(one, one.series.drawn[-_SPARKED:]) for one in trends]
    return {one.key: _spark(one.series, shown) for one, shown in drawn if len(shown) > 1}


def _spark(series: Series, shown: Sequence[SeriesPoint]) -> Markup:
    return spark(_points(shown), says_of(series.name, [one.told for one in shown]), _band(series))


def chart_of_series(staff: Staff, series: Series) -> Markup:
    """The chart of a series; empty where it has no numbers."""
    drawn = series.drawn[-_MOST:]
    points, told = _points(drawn), [one.told for one in drawn]
    return chart(
        points, (), says_of(series.name, told) if told else "", ends_of(points, staff.words.zone), _band(series)
    )


def _points(drawn: Sequence[SeriesPoint]) -> list[Point]:
    return [Point(at=one.at, value=float(one.value), marked=one.is_out) for one in drawn if one.value is not None]


def _band(series: Series) -> Band | None:
    """The usual range that the newest value came with."""
    newest = series.newest
    if newest.low is None and newest.high is None:
        return None
    return Band(low=_float(newest.low), high=_float(newest.high))


def _float(number: object) -> float | None:
    return None if number is None else float(str(number))
