"""Results and measurements of a person as series with trend lines: all of them, and one with every value. Audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.flows import contradictions, people
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.contradiction_values import Waiting
from careloop.flows.patient_facts import CHART_TYPES, chart_of
from careloop.flows.patient_trends import trends_of
from careloop.flows.patient_values import Header, Trend
from careloop.longitudinal import longitudinal_of

GROUPS = (
    ("laboratory", "Laboratory"),
    ("vital-signs", "Measurements"),
    ("survey", "Questionnaires"),
    ("other", "Other results"),
)
"""In this order, the tests of each by name."""


@dataclass(frozen=True, kw_only=True)
class ResultsPage:
    """All series of the patient in their groups."""

    header: Header
    contradictions: tuple[Waiting, ...]
    groups: tuple[tuple[str, tuple[Trend, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class TrendPage:
    """One series; `apart`: the same test in units that do not measure the same."""

    header: Header
    contradictions: tuple[Waiting, ...]
    trend: Trend
    apart: tuple[Trend, ...]


def page(app: App, tx: Transaction, principal: Principal, patient_id: str) -> ResultsPage:
    """Every test of the patient. `NotFound` for a foreign id and a missing one alike."""
    header, waiting, trends, _ = _read(app, tx, principal, patient_id)
    named = {
        title: tuple(sorted((one for one in trends if one.series.category == key), key=_by_name))
        for key, title in GROUPS
    }
    return ResultsPage(
        header=header, contradictions=waiting, groups=tuple((title, some) for title, some in named.items() if some)
    )


def one(app: App, tx: Transaction, principal: Principal, patient_id: str, key: str) -> TrendPage:
    """One series with every value; `NotFound` where the patient has none of that key."""
    header, waiting, trends, _ = _read(app, tx, principal, patient_id)
    trend = next((each for each in trends if each.key == key), None)
    if trend is None:
        raise NotFound("there is no such test")
    test = trend.series.key.split("|")[:-1]
    apart = tuple(each for each in trends if each.key != key and each.series.key.split("|")[:-1] == test)
    return TrendPage(header=header, contradictions=waiting, trend=trend, apart=apart)


def _by_name(trend: Trend) -> tuple[str, str]:
    return trend.series.name.casefold(), trend.key


def _read(
    app: App, tx: Transaction, principal: Principal, patient_id: str
) -> tuple[Header, tuple[Waiting, ...], Sequence[Trend], ZoneInfo]:
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    require(principal, "search", "Observation")
    now, zone = app.clock.now(), people.zone_of(tx)
    chart = chart_of(app, tx, patient_id, CHART_TYPES, now)
    header = reading.header_of(patient, chart.for_header, now.astimezone(zone).date())
    waiting = tuple(contradictions.of_patient(app, tx, patient_id))
    return header, waiting, trends_of(chart, longitudinal_of(app.catalog), zone), zone
