"""Minutes as facts: who worked when for which patient, told by which act. Billing reads them; nobody types them twice.

A Communication (a call, a message) says its minutes in the extension `urn:careloop:minutes`; time without a contact is
an Observation `urn:careloop:minutes|activity`. Both may say when it began (`urn:careloop:minutes-period`, or
`effectivePeriod`); else it ended when the act was sent (BT-04: elapsed time). The table follows the record.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from careloop.db import Transaction
from careloop.engagement import minutes as ledger
from careloop.engagement.minutes import Spent
from careloop.events import ChangeKind
from careloop.flows.timeline import instant_of, text_of
from careloop.record import Written

MINUTES = "urn:careloop:minutes"
PERIOD = "urn:careloop:minutes-period"
ACTIVITY = {"coding": [{"system": MINUTES, "code": "activity"}], "text": "Minutes of care coordination"}
_MEDIA = {"PHONE": "call", "VIDEOCONF": "visit", "PHYSICAL": "visit"}


def note(tx: Transaction, written: Sequence[Written]) -> None:
    """The ledger says what these writes say. What names no minutes costs nothing."""
    found = [_entry(one) for one in written if one.resource_type in ("Communication", "Observation")]
    for spent in found:
        if isinstance(spent, Spent):
            ledger.keep(tx, spent)
    if gone := [spent for spent in found if isinstance(spent, str)]:
        ledger.uncount(tx, gone)


def minutes_extensions(minutes: Decimal, ended: datetime) -> list[dict[str, Any]]:
    """What a Communication says of the time it took: how long, from when to when."""
    start = ended - timedelta(minutes=float(minutes))
    period = {"start": start.isoformat(), "end": ended.isoformat()}
    return [{"url": MINUTES, "valueDecimal": minutes}, {"url": PERIOD, "valuePeriod": period}]


def _entry(one: Written) -> Spent | str | None:
    """The row of a source; its name where it says no minutes (any more); None where it never could."""
    if one.change is ChangeKind.UNCHANGED:
        return None
    if one.resource is None or one.resource.get("status") == "entered-in-error":
        return one.reference
    read = _of_communication if one.resource_type == "Communication" else _of_observation
    found = read(one, one.resource)
    return found if found or one.change is ChangeKind.CREATED or one.resource_type != "Communication" else one.reference


def _of_communication(one: Written, resource: Mapping[str, Any]) -> Spent | None:
    told = {extension.get("url"): extension for extension in resource.get("extension", ())}
    minutes = told.get(MINUTES, {}).get("valueDecimal", told.get(MINUTES, {}).get("valueInteger"))
    ended = instant_of(resource.get("sent") or resource.get("received"))
    who = str((resource.get("sender") or {}).get("reference", ""))
    if not minutes or minutes <= 0 or ended is None or not who or one.patient_id is None:
        return None
    media = {coding.get("code") for concept in resource.get("medium", ()) for coding in concept.get("coding", ())}
    kind = next((_MEDIA[code] for code in sorted(media & set(_MEDIA))), "message" if media else "call")
    if resource.get("status") != "completed":
        kind = "call-attempt"
    said = " ".join(part.get("contentString", "") for part in resource.get("payload", ()))
    return _spent(one, who, kind, told.get(PERIOD, {}).get("valuePeriod", {}), ended, Decimal(minutes), said)


def _of_observation(one: Written, resource: Mapping[str, Any]) -> Spent | None:
    codings = (resource.get("code") or {}).get("coding", ())
    if not any((coding.get("system"), coding.get("code")) == (MINUTES, "activity") for coding in codings):
        return None
    period = resource.get("effectivePeriod", {})
    ended = instant_of(period.get("end"))
    who = next((str(person.get("reference", "")) for person in resource.get("performer", ())), "")
    minutes = resource.get("valueQuantity", {}).get("value")
    if not minutes or minutes <= 0 or ended is None or not who or one.patient_id is None:
        return None
    said = " ".join(line.get("text", "") for line in resource.get("note", ())) or text_of(resource.get("code"))
    return _spent(one, who, "other", period, ended, Decimal(minutes), said)


def _spent(
    one: Written, who: str, kind: str, period: Mapping[str, Any], ended: datetime, minutes: Decimal, says: str
) -> Spent:
    """The span as it was told; without a start it is as long as the minutes."""
    last = instant_of(period.get("end")) or ended
    start = instant_of(period.get("start"))
    length = timedelta(seconds=int(minutes * 60))
    if start is None or start > last:
        start = last - length
    return Spent(
        source=one.reference,
        patient_id=one.patient_id or "",
        who=who,
        activity=kind,
        started=start,
        ended=last,
        seconds=max(1, int(length.total_seconds())),
        says=says[:500],
        counts=True,
    )
