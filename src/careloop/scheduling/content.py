"""`content/scheduling` as values."""

from datetime import timedelta

from careloop.catalog import Catalog
from careloop.scheduling.model import Reason, Travel, VisitKind, Visits
from careloop.scheduling.rules.hours import DAYS, parse_hours


def visits_of(catalog: Catalog) -> Visits:
    """What can be booked and what is done about missed visits."""
    known = _READ.get(id(catalog))
    if known is None or known[0] is not catalog:
        known = _READ[id(catalog)] = (catalog, _read(catalog))
    return known[1]


def _read(catalog: Catalog) -> Visits:
    document = catalog.document("scheduling", "visits")
    offers, slots = document["offers"], document["slots"]
    return Visits(
        kinds={one["id"]: VisitKind(**{**one, "roles": tuple(one["roles"])}) for one in document["kinds"]},
        reasons={one["id"]: Reason(**one) for one in document["reasons"]},
        notice=timedelta(minutes=offers["notice_minutes"]),
        open_for=timedelta(minutes=offers["open_minutes"]),
        days_ahead=slots["days_ahead"],
        slot_minutes=slots["minutes"],
        assumed_minutes=slots["assumed_minutes"],
        travel=Travel(**document["travel"]),
        practice_hours=parse_hours({DAYS.index(day): text for day, text in document["practice_hours"].items()}),
        version=document["version"],
        reviewed=document["reviewed"] is not None,
    )


_READ: dict[int, tuple[Catalog, Visits]] = {}
