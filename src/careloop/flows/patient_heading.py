"""The identity header for pages of one patient that read no more of the chart than it needs."""

from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.flows import patient_reading
from careloop.flows.app import App
from careloop.flows.patient_facts import FACT_TYPES, chart_of
from careloop.flows.patient_values import Header
from careloop.flows.people import zone_of


def header_now(app: App, tx: Transaction, patient_id: str) -> Header:
    """Who it is, as of now. The page that shows it has audited its read of the patient."""
    now, name = app.clock.now(), f"Patient/{patient_id}"
    patient = app.record.fetch(tx, [name]).get(name)
    if patient is None or patient.deleted:
        raise NotFound("there is no such patient")
    chart = chart_of(app, tx, patient_id, FACT_TYPES, now)
    return patient_reading.header_of(patient.resource, chart.for_header, now.astimezone(zone_of(tx)).date())
