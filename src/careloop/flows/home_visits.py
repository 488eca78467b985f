"""The day of one nurse on the road: visits at home in the order that takes the least time within what patients asked
for, with everything that was assumed said, and the packet to take along on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.flows import booking, diary_pages, diary_slots, people
from careloop.flows.app import App
from careloop.flows.diary_pages import VisitLine
from careloop.flows.patient_reading import full_name
from careloop.flows.timeline import text_of
from careloop.record import Stored
from careloop.scheduling import store
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import Leg, Place, Route, Stop, Window
from careloop.scheduling.rules import route
from careloop.scheduling.rules.taking import window_of

GEOLOCATION = "http://hl7.org/fhir/StructureDefinition/geolocation"
ROUNDED = timedelta(minutes=5)
_MOST_STOPS = 16
_OPEN = frozenset({"booked", "pending"})
_PACKET = ("AllergyIntolerance", "Condition", "MedicationRequest", "MedicationStatement", "Goal")


@dataclass(frozen=True, kw_only=True)
class StopLine:
    """One stop of the day as the page shows it. `moves` where the proposed time is another than the one booked."""

    leg: Leg
    line: VisitLine
    address: str
    proposed: datetime
    moves: bool


@dataclass(frozen=True, kw_only=True)
class HomeDay:
    """The day as booked and as it would be best. `assumed`: how many legs are guesses."""

    actor: str
    name: str
    day: date
    stops: tuple[StopLine, ...]
    booked: Route
    best: Route
    assumed: int
    begins: datetime | None
    differs: bool

    @property
    def saves(self) -> int:
        """Minutes on the way that the proposed order saves."""
        return self.booked.travel - self.best.travel


def home_day(app: App, tx: Transaction, principal: Principal, actor: str, day: date) -> HomeDay:
    """The day of one person on the road. One audit entry."""
    require(principal, "search", "Appointment")
    member, zone = diary_pages.require_staff(tx, actor), people.zone_of(tx)
    lines, stops = _stops(app, tx, actor, day, zone)
    diary_pages.note_search(tx, principal, lines.values(), f"home visits of {day.isoformat()}")
    begins = _begins(app, tx, actor, day, zone, stops)
    travel = visits_of(app.catalog).travel
    booked = route.as_booked(stops, begins, None, travel) if begins else Route()
    best = route.plan(stops, begins, None, travel) if begins else Route()
    addresses = _patients(app, tx, lines.values())
    shown = []
    for leg in best.legs:
        line, proposed = lines[leg.stop.id], _rounded(leg.begins, leg.stop)
        shown.append(
            StopLine(
                leg=leg,
                line=line,
                address=diary_pages.address_words(addresses.get(line.patient_id, {})),
                proposed=proposed,
                moves=proposed != leg.stop.at,
            )
        )
    return HomeDay(
        actor=actor,
        name=member.name,
        day=day,
        stops=tuple(shown),
        booked=booked,
        best=best,
        assumed=sum("coordinates" not in leg.assumed or "no coordinates" in leg.assumed for leg in best.legs[1:]),
        begins=begins,
        differs=any(one.moves for one in shown),
    )


def use_order(
    app: App, tx: Transaction, principal: Principal, actor: str, day: date, versions: Mapping[str, int]
) -> str:
    """The visits have the proposed times. `Conflict` where one was changed since the page was drawn."""
    require(principal, "update", "Appointment")
    proposed = home_day(app, tx, principal, actor, day)
    if {one.line.id: one.line.version for one in proposed.stops} != dict(versions):
        raise Conflict("The day changed meanwhile. Look at it again.")
    if proposed.best.late:
        raise Rejected(at="order", expected="a day in which every visit fits; move one of them first")
    times = {one.line.id: (one.proposed, one.line.version) for one in proposed.stops if one.moves}
    booking.set_times(app, tx, principal, times)
    return f"{len(times)} visits moved. Tell these patients their new times."


def _stops(app: App, tx: Transaction, actor: str, day: date, zone: ZoneInfo) -> tuple[dict[str, VisitLine], list[Stop]]:
    window = diary_slots.day_window(day, 1, zone)
    taken = [one for one in store.taken_of(tx, [actor], window) if one.kind == "visit"]
    lines = diary_pages.lines_of(app, tx, [one.holder for one in taken], zone)
    home = {key: one for key, one in lines.items() if one.where == "home" and one.status in _OPEN}
    if len(home) > _MOST_STOPS:
        home = dict(sorted(home.items(), key=lambda item: item[1].window)[:_MOST_STOPS])
    patients = _patients(app, tx, home.values())
    appointments = app.record.fetch(tx, [f"Appointment/{key}" for key in home])
    places = _locations(app, tx, appointments.values())
    stops = []
    for stored in appointments.values():
        line = home[stored.id]
        minutes = int(line.window.length / timedelta(minutes=1))
        stops.append(
            Stop(
                id=stored.id,
                place=places.get(stored.id) or place_of(patients.get(line.patient_id, {})),
                minutes=minutes,
                at=line.window.start,
                within=_within(stored.resource, line.window),
            )
        )
    return home, stops


def _within(appointment: Mapping[str, Any], booked: Window) -> Window:
    """When the patient can be visited: what they asked for, else the time that was agreed."""
    for period in appointment.get("requestedPeriod", ()):
        window = window_of(period.get("start"), period.get("end"), 0)
        if window and window.start <= booked.start and booked.end <= window.end:
            return window
    return booked


def _begins(app: App, tx: Transaction, actor: str, day: date, zone: ZoneInfo, stops: Sequence[Stop]) -> datetime | None:
    if not stops:
        return None
    hours = diary_slots.open_windows(app, diary_slots.diaries(app, tx, [actor])[actor], [day], zone)
    return min([*(one.start for one in hours), *(one.at for one in stops)])


def _patients(app: App, tx: Transaction, lines: Any) -> dict[str, Mapping[str, Any]]:
    found = app.record.fetch(tx, sorted({f"Patient/{one.patient_id}" for one in lines}))
    return {one.id: one.resource for one in found.values()}


def _locations(app: App, tx: Transaction, appointments: Any) -> dict[str, Place]:
    """Where a visit says itself that it is: the Location that takes part, when that has a position."""
    named = {
        one.id: str(part["actor"]["reference"])
        for one in appointments
        for part in one.resource.get("participant", ())
        if str((part.get("actor") or {}).get("reference", "")).startswith("Location/")
    }
    found = app.record.fetch(tx, sorted(set(named.values()))) if named else {}
    places = {}
    for own_id, reference in named.items():
        position = found[reference].resource.get("position") if reference in found else None
        if position and "latitude" in position and "longitude" in position:
            places[own_id] = Place(latitude=float(position["latitude"]), longitude=float(position["longitude"]))
    return places


def place_of(patient: Mapping[str, Any]) -> Place:
    """Where a home is, as far as the record says."""
    address = diary_pages.home_address(patient)
    latitude = longitude = None
    for extension in address.get("extension", ()):
        if extension.get("url") == GEOLOCATION:
            parts = {one.get("url"): one.get("valueDecimal") for one in extension.get("extension", ())}
            if parts.get("latitude") is not None and parts.get("longitude") is not None:
                latitude, longitude = float(parts["latitude"]), float(parts["longitude"])
    return Place(
        latitude=latitude,
        longitude=longitude,
        postal_code=str(address.get("postalCode", "")),
        town=str(address.get("city", "")),
        line=", ".join(address.get("line", ())),
    )


def _rounded(at: datetime, stop: Stop) -> datetime:
    """Up to full five minutes where that still fits; nobody is told 9:03."""
    seconds = int(at.timestamp())
    step = int(ROUNDED.total_seconds())
    up = at + timedelta(seconds=-seconds % step)
    return up if up + timedelta(minutes=stop.minutes) <= stop.within.end else at


@dataclass(frozen=True, kw_only=True)
class PacketPage:
    """What the nurse takes along for one visit: to the door, and for the talk there."""

    stop: StopLine
    phones: tuple[str, ...]
    may_hear: str
    interpreter: str
    goals: tuple[str, ...]
    allergies: tuple[str, ...]
    problems: tuple[str, ...]
    medicines: tuple[str, ...]


def packet(app: App, tx: Transaction, principal: Principal, actor: str, day: date) -> tuple[HomeDay, list[PacketPage]]:
    """The packet of the day, in the order of the route. Audited for each patient."""
    require(principal, "search", "Patient")
    found = home_day(app, tx, principal, actor, day)
    ids = sorted({one.line.patient_id for one in found.stops})
    charts = app.record.of_patients(tx, ids, list(_PACKET))
    return found, [_packet_page(one, charts.get(one.line.patient_id, [])) for one in found.stops]


def _packet_page(stop: StopLine, chart: Sequence[Stored]) -> PacketPage:
    by_type: dict[str, list[str]] = {kind: [] for kind in _PACKET}
    for one in chart:
        words = _words(one)
        if words and _stands(one.resource):
            by_type[one.resource_type].append(words)
    patient = stop.line.patient
    speaks = f"{patient.language}, interpreter needed" if patient.interpreter else patient.language
    medicines = dict.fromkeys(by_type["MedicationRequest"] + by_type["MedicationStatement"])
    return PacketPage(
        stop=stop,
        phones=patient.phones,
        may_hear=patient.may_hear,
        interpreter=speaks,
        goals=tuple(by_type["Goal"]),
        allergies=tuple(dict.fromkeys(by_type["AllergyIntolerance"])),
        problems=tuple(dict.fromkeys(by_type["Condition"])),
        medicines=tuple(medicines),
    )


def _words(one: Stored) -> str:
    resource = one.resource
    if one.resource_type == "Goal":
        return text_of(resource.get("description"))
    if one.resource_type in ("MedicationRequest", "MedicationStatement"):
        how = next((str(item["text"]) for item in _dosages(resource) if item.get("text")), "")
        name = text_of(resource.get("medicationCodeableConcept")) or full_name({})
        return ", ".join(part for part in (name, how) if part)
    return text_of(resource.get("code"))


def _dosages(resource: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = resource.get("dosageInstruction") or resource.get("dosage") or ()
    return found


def _stands(resource: Mapping[str, Any]) -> bool:
    """Active or not said to be over."""
    clinical = {one.get("code") for one in (resource.get("clinicalStatus") or {}).get("coding", ())}
    if clinical & {"resolved", "inactive", "remission"}:
        return False
    over = {"stopped", "completed", "entered-in-error", "cancelled", "not-taken", "draft"}
    life = resource.get("lifecycleStatus")
    return resource.get("status") not in over and life not in ("rejected", "cancelled", "entered-in-error")
