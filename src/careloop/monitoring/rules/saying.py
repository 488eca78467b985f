"""Findings in the words of the screen: what was measured, against what, and which limit that is past. Pure."""

from decimal import Decimal

from careloop.monitoring.content import Metric, Row
from careloop.monitoring.model import Reading
from careloop.monitoring.rules.tests import Asked, Hit


def plain(number: Decimal, decimals: int | None = None) -> str:
    """A number as people write it: `180`, `80.83`; rounded only for showing."""
    shown = number if decimals is None else round(number, decimals)
    text = f"{shown:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def rule_words(row: Row, number: Decimal | None, symptoms: str = "") -> str:
    """The row's own words with the number that holds for the patient."""
    value = plain(number) if number is not None else ""
    return row.says.replace("{value}", value).replace("{symptoms}", symptoms).removesuffix(": ")


def says_of(row: Row, number: Decimal | None, reading: Reading, metric: Metric, asked: Asked, hit: Hit) -> str:
    """What, why and which limit, in one sentence."""
    words = rule_words(row, number, ", ".join(one.replace("-", " ") for one in reading.symptoms))
    kind = row.tests[0].kind
    value = f"{metric.name} {plain(asked.value, metric.decimals)} {metric.shown}"
    if kind == "gain":
        low = asked.series.values[hit.places[0]]
        pounds = hit.measure / asked.windows.kg_per_lb
        value = f"{value}, from {plain(low, metric.decimals)}: up {plain(hit.measure, 2)} kg ({plain(pounds, 1)} lb)"
    elif kind == "average":
        value = f"{metric.name} {plain(hit.measure, 0)} {metric.shown} on average of {len(hit.places)} readings"
    elif kind == "loss":
        value = f"{value}, down {plain(hit.measure, 1)} percent"
    elif kind == "share-of-best":
        value = f"{value}, {plain(hit.measure, 0)} percent of the personal best"
    elif metric.id == "symptom-level" or metric.id.startswith("told-"):
        return words
    return f"{value}. {words}"
