"""The results of a chart as series, each with a key that may stand in an address. Pure."""

from hashlib import blake2b
from zoneinfo import ZoneInfo

from careloop.flows.patient_facts import Chart
from careloop.flows.patient_sections import results_by_test
from careloop.flows.patient_values import Trend
from careloop.longitudinal import Longitudinal
from careloop.longitudinal.rules.series import series_of


def trends_of(chart: Chart, content: Longitudinal, zone: ZoneInfo) -> tuple[Trend, ...]:
    """The series of every test of a chart."""

    def make() -> tuple[Trend, ...]:
        return tuple(
            Trend(key=blake2b(each.key.encode(), digest_size=9).hexdigest(), series=each)
            for results in results_by_test(chart, content, zone)
            for each in series_of(results)
        )

    return chart.once("trends", make)
