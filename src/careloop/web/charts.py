"""Charts as SVG, drawn here: a line with its limits, a spark in a table row. No script, no colour that alone tells.

Colours come from the page (`currentColor` and classes of text), so that light, dark and print are right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from markupsafe import Markup, escape

Box = tuple[float, float, float, float]
_SPARK = (120, 28)
_WIDE, _HIGH, _LEFT, _RIGHT, _TOP, _BOTTOM = 400, 170, 40, 44, 12, 24


@dataclass(frozen=True, kw_only=True)
class Point:
    """One value at a moment. `marked`: it was out of limits."""

    at: datetime
    value: float
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Band:
    """Where values usually lie; None where it has no end."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A line that values must not cross. `shown` stands at its end; its words stand beside the chart."""

    value: float
    shown: str


def spark(points: Sequence[Point], says: str, band: Band | None = None) -> Markup:
    """A line as small as a word; `says` is what it tells to who cannot see it."""
    if len(points) < 2:
        return Markup("")
    wide, high = _SPARK
    box, span = (2.0, 3.0, wide - 5.0, high - 3.0), _range(points, _ends(band))
    places = _places(points, box, span)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(_dot(x, y, 2.5) for (x, y), one in zip(places, points, strict=True) if one.marked)
    x, y = places[-1]
    return Markup(  # noqa: S704 - the only words are escaped
        f'<svg role="img" aria-label="{escape(says)}" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">'
        f"{_band(band, box, span)}"
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>{dots}'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="currentColor"/></svg>'
    )


def chart(
    points: Sequence[Point],
    limits: Sequence[Limit],
    says: str,
    days: Sequence[tuple[datetime, str]],
    band: Band | None = None,
) -> Markup:
    """A line over time with its limits drawn, as far as they are in the picture, and the band where values usually lie;
    `days` are the moments named under it. The table beside it says the same in numbers."""
    if not points:
        return Markup("")
    low, high = _range(points, [*(one.value for one in limits), *_ends(band)])
    box = (float(_LEFT), float(_TOP), float(_WIDE - _RIGHT), float(_HIGH - _BOTTOM))
    places = _places(points, box, (low, high))
    parts = [
        f'<svg role="img" aria-label="{escape(says)}" width="100%" viewBox="0 0 {_WIDE} {_HIGH}" '
        'font-size="13" fill="currentColor">'
    ]
    parts.append(_band(band, box, (low, high)))
    digits = _digits(high - low)
    for value in (low, (low + high) / 2, high):
        y = _y(value, box, (low, high))
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.{digits}f}</text>')
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" opacity="0.15"/>'
        )
    for limit in (one for one in limits if low <= one.value <= high):
        y = _y(limit.value, box, (low, high))
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" '
            'stroke-dasharray="5 4" opacity="0.7"/>'
            f'<text x="{_WIDE - _RIGHT + 4}" y="{y + 4:.1f}">{escape(limit.shown)}</text>'
        )
    for at, words in days:
        x = min(_x(at, points, box), float(_WIDE - _RIGHT))
        parts.append(f'<text x="{x:.1f}" y="{_HIGH - 6}" text-anchor="middle">{escape(words)}</text>')
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="2"/>')
    for (x, y), one in zip(places, points, strict=True):
        parts.append(_dot(x, y, 5) if one.marked else f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>')
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - all words are escaped


def _dot(x: float, y: float, size: float) -> str:
    """A diamond: what is out of limits has another shape, not only another colour."""
    points = f"{x:.1f},{y - size:.1f} {x + size:.1f},{y:.1f} {x:.1f},{y + size:.1f} {x - size:.1f},{y:.1f}"
    return f'<polygon points="{points}" class="over" fill="currentColor"/>'


def says_of(name: str, told: Sequence[str]) -> str:
    """What a line of these values tells to who cannot see it."""
    if len(told) == 1:
        return f"{name}: one value, {told[0]}"
    return f"{name}: {len(told)} values, from {told[0]} to {told[-1]}"


def ends_of(points: Sequence[Point], zone: tzinfo) -> list[tuple[datetime, str]]:
    """The first and the last day of a line, with the year where they are of different years."""
    ends = [points[0].at, points[-1].at] if len(points) > 1 else [one.at for one in points]
    days = [at.astimezone(zone) for at in ends]
    year = " %Y" if len({day.year for day in days}) > 1 else ""
    return [(at, f"{day.day} {day.strftime('%b' + year)}") for at, day in zip(ends, days, strict=True)]


def _ends(band: Band | None) -> list[float]:
    return [end for end in (band.low, band.high) if end is not None] if band else []


def _band(band: Band | None, box: Box, span: tuple[float, float]) -> str:
    """The part of the picture where values usually lie, tinted; nothing where it is not in the picture."""
    if band is None or not _ends(band):
        return ""
    top = _y(span[1] if band.high is None else band.high, box, span)
    bottom = _y(span[0] if band.low is None else band.low, box, span)
    if bottom - top < 1:
        return ""
    return (
        f'<rect class="band" x="{box[0]:.1f}" y="{top:.1f}" width="{box[2] - box[0]:.1f}" '
        f'height="{bottom - top:.1f}" fill="currentColor" opacity="0.1"/>'
    )


def _digits(span: float) -> int:
    """Digits behind the point that tell three values of a span apart."""
    return 0 if span >= 8 else 1 if span >= 0.8 else 2


def _range(points: Sequence[Point], more: Sequence[float]) -> tuple[float, float]:
    """From below the lowest to above the highest; limits that lie near are inside."""
    values = [one.value for one in points]
    low, high = min(values), max(values)
    near = max(high - low, abs(high) * 0.25, 0.1)
    values += [one for one in more if low - near <= one <= high + near]
    low, high = min(values), max(values)
    room = max((high - low) * 0.1, abs(high) * 0.02, 0.02)
    return low - room, high + room


def _places(points: Sequence[Point], box: Box, span: tuple[float, float]) -> list[tuple[float, float]]:
    return [(_x(one.at, points, box), _y(one.value, box, span)) for one in points]


def _x(at: datetime, points: Sequence[Point], box: Box) -> float:
    start, end = points[0].at, points[-1].at
    whole = (end - start).total_seconds() or 1.0
    share = min(max((at - start).total_seconds() / whole, 0.0), 1.0)
    return box[0] + share * (box[2] - box[0])


def _y(value: float, box: Box, span: tuple[float, float]) -> float:
    low, high = span
    share = (min(max(value, low), high) - low) / ((high - low) or 1.0)
    return box[3] - share * (box[3] - box[1])


def drawn(points: Sequence[tuple[float, float]], says: str) -> Markup:
    """A line through points from 0 to 1, right and up, for paper: black, no scale; what it says stands beside it."""
    placed = " ".join(f"{4 + x * 292:.1f},{56 - y * 52:.1f}" for x, y in points)
    return Markup(  # noqa: S704 - the only words are escaped
        f'<svg role="img" aria-label="{escape(says)}" width="300" height="60" viewBox="0 0 300 60">'
        f'<polyline points="{placed}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )
