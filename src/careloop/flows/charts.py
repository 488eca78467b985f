"""`$everything`: a chart as its reader may see it, in the reader's zone of care dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from careloop.access.policy import may, require
from careloop.fhir import definitions as tables
from careloop.fhir.dates import BEGINNING, END, interval
from careloop.flows import engine
from careloop.flows.interactions import Interaction
from careloop.record.charts import ChartAsked, ChartPage

MOST = 5000
DEFAULT = 1000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a caller of `$everything` asks for. `start` and `end` are dates of care as text, both included."""

    centre: Literal["Patient", "Encounter"]
    id: str | None
    types: Sequence[str] = ()
    since: datetime | None = None
    start: str | None = None
    end: str | None = None
    count: int | None = None
    cursor: str | None = None


def everything(door: Interaction, wanted: Wanted, base: str = "") -> ChartPage:
    """One page of the chart: of its types only those that the principal may read."""
    require(door.principal, "read", wanted.centre)
    asked = ChartAsked(
        centre=wanted.centre,
        id=wanted.id,
        types=_readable(door, wanted.types),
        since=wanted.since,
        care=_care(door, wanted),
        count=min(wanted.count or DEFAULT, MOST),
        cursor=wanted.cursor,
        base=base,
    )
    return door.app.record.chart(door.tx, door.principal, asked)


def _readable(door: Interaction, wanted: Sequence[str]) -> list[str] | None:
    """The types to be shown; None for all."""
    if not wanted and may(door.principal, "read", "*"):
        return None
    every = tables.load().resources - {"AuditEvent"}
    readable = [kind for kind in wanted or every if may(door.principal, "read", kind)]
    return readable if wanted or len(readable) < len(every) else None


def _care(door: Interaction, wanted: Wanted) -> tuple[datetime, datetime] | None:
    if wanted.start is None and wanted.end is None:
        return None
    zone = ZoneInfo(engine.tenant_of(door.tx).zone)
    low = BEGINNING if wanted.start is None else interval(wanted.start, zone)[0]
    high = END if wanted.end is None else interval(wanted.end, zone)[1]
    return low, high
