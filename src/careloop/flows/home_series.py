"""The table of readings: series of a patient's metric as values, judged readings as rows, what was told near them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from careloop.db import Transaction
from careloop.monitoring import store
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Finding, Judged, Reading

Key = tuple[str, str]
"""A patient and a metric."""
_NEAR = timedelta(days=1)


def series_of(
    tx: Transaction, wanted: Mapping[Key, datetime]
) -> dict[Key, dict[str, tuple[Reading, tuple[Finding, ...]]]]:
    """The readings of these series since a moment each, with what they breach, by id; in one statement."""
    if not wanted:
        return {}
    asked = [{"patient_id": key[0], "metric": key[1], "since": since} for key, since in sorted(wanted.items())]
    rows = store.rows_of(tx, "series", wanted=msgspec.json.encode(asked).decode())
    return {
        (row["patient_id"], row["metric"]): {
            one[0]: (_reading(one, row["metric"]), _findings(one[10])) for one in _decode_series(row["readings"])
        }
        for row in rows
    }


_Line = tuple[
    str,
    str | None,
    datetime,
    datetime,
    str,
    bool,
    bool,
    bool,
    str,
    list[str],
    list[dict[str, Any]] | None,
    datetime | None,
]
_decode_series = msgspec.json.Decoder(list[_Line]).decode
decode_findings = msgspec.json.Decoder(list[Finding]).decode
"""Findings as the table keeps them."""


def _reading(line: _Line, metric: str) -> Reading:
    return Reading(
        id=line[0],
        metric=metric,
        value=None if line[1] is None else Decimal(line[1]),
        measured=line[2],
        received=line[3],
        device=line[4],
        live=line[5],
        fasting=line[6],
        automatic=line[7],
        given=line[8],
        symptoms=tuple(line[9]),
    )


def _findings(found: list[dict[str, Any]] | None) -> tuple[Finding, ...]:
    return tuple(msgspec.convert(one, Finding) for one in found) if found else ()


def row_of(patient_id: str, observation: str, one: Judged) -> dict[str, Any]:
    """One line of the table."""
    reading = one.reading
    return {
        "patient_id": patient_id,
        "id": reading.id,
        "observation": observation,
        "metric": reading.metric,
        "value": reading.value,
        "measured": reading.measured,
        "received": reading.received,
        "device": reading.device,
        "live": reading.live,
        "fasting": reading.fasting,
        "automatic": reading.automatic,
        "given": reading.given,
        "symptoms": reading.symptoms,
        "state": one.state.value,
        "clock": one.clock,
        "late": one.late,
        "waits_until": one.waits_until,
        "findings": one.findings or None,
    }


def symptoms_near(
    tx: Transaction,
    content: Monitoring,
    plans: Collection[str],
    touched: Mapping[Key, datetime],
    new_readings: Mapping[Key, Mapping[str, tuple[str, Reading]]],
) -> dict[str, list[tuple[datetime, str]]]:
    """What was told near the readings of metrics whose rows ask about symptoms."""
    asking = {row.metric for row in content.all_rows if any("with" in test.words for test in row.tests)}
    wanted = {
        (patient_id, "symptom-level"): at - 2 * _NEAR
        for (patient_id, metric), at in touched.items()
        if metric in asking and patient_id in plans
    }
    found: dict[str, list[tuple[datetime, str]]] = {}
    told = series_of(tx, wanted)
    for (patient_id, _), lines in told.items():
        found[patient_id] = [(one.measured, code) for one, _ in lines.values() for code in one.symptoms]
    for (patient_id, metric), new in new_readings.items():
        if metric == "symptom-level":
            found.setdefault(patient_id, []).extend(
                (one.measured, code) for _, one in new.values() for code in one.symptoms
            )
    return found


def accepted_in(tx: Transaction, content: Monitoring, patients: Sequence[str]) -> dict[str, set[str]]:
    """Readings of which a person said that they are right, by patient."""
    takes = sorted(one.id for one in content.actions.values() if one.takes)
    found: dict[str, set[str]] = {}
    for row in store.rows_of(tx, "accepted", patients=list(patients), actions=takes):
        found.setdefault(row["patient_id"], set()).add(row["id"])
    return found
