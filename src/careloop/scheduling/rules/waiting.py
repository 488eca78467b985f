"""An Appointment that waits (`status` waitlist) as a person who waits, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from careloop.scheduling.model import VISIT_KIND, Waiting, Window
from careloop.scheduling.rules.taking import actors_of, window_of

STATUS = "waitlist"


def read_waiting(appointment: Mapping[str, Any], since: datetime, minutes: int) -> Waiting | None:
    """Who waits, for what, since when; None where it is not an Appointment that waits for a patient. `since` and
    `minutes` count where it does not say them."""
    patient = next(actors_of(appointment, "Patient"), "")
    if appointment.get("status") != STATUS or not patient:
        return None
    periods = [
        window
        for period in appointment.get("requestedPeriod", ())
        if (window := window_of(period.get("start"), period.get("end"), 0))
    ]
    created = window_of(appointment.get("created"), None, 1)
    need = appointment.get("priority")
    wanted = Window(min(one.start for one in periods), max(one.end for one in periods)) if periods else None
    return Waiting(
        id=str(appointment["id"]),
        patient_id=patient.partition("/")[2],
        need=need if isinstance(need, int) and 1 <= need <= 9 else 0,
        minutes=int(appointment.get("minutesDuration") or minutes),
        kind=kind_of(appointment),
        since=created.start if created else since,
        wanted=wanted,
        actor=next(actors_of(appointment, "Practitioner"), None),
        latest=wanted.end if wanted else None,
    )


def kind_of(appointment: Mapping[str, Any]) -> str:
    """The id of the kind of visit; empty where it is none of ours."""
    for concept in appointment.get("serviceType", ()):
        for coding in concept.get("coding", ()):
            if coding.get("system") == VISIT_KIND:
                return str(coding.get("code", ""))
    return ""
