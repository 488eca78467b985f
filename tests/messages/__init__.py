"""Inbound samples. Invented people; origin: `../shared/domain/adt-samples.hl7.txt` for the shape, written here anew."""

from datetime import datetime


def adt(
    event: str,
    *,
    control_id: str = "C1",
    at: str = "20261120080000-0500",
    occurred: str | None = None,
    mrn: str = "100234",
    visit: str = "V900001",
    patient_class: str = "I",
    application: str = "ADT",
    facility: str = "STMARY",
    pid: str = "RIVERA^ANA^M||19510415|F|||12 ELM ST^^SPRINGFIELD^MA^01101",
    location: str = "4W^401^A^STMARY",
    disposition: str = "",
    admit: str = "",
    discharge: str = "",
    prior: str = "",
    extra: tuple[str, ...] = (),
) -> bytes:
    """An ADT message. `at` is EVN-2 and MSH-7, `occurred` EVN-6 (left out: the same as `at`)."""
    pv1 = [""] * 46
    pv1[0], pv1[1], pv1[2], pv1[3], pv1[4] = "PV1", "1", patient_class, location, "E"
    pv1[10], pv1[14], pv1[19], pv1[36], pv1[44], pv1[45] = "MED", "7", visit, disposition, admit, discharge
    lines = [
        f"MSH|^~\\&|{application}|{facility}|CARELOOP|PRACTICE|{at}||ADT^{event}|{control_id}|P|2.5.1",
        f"EVN|{event}|{at}||||{at if occurred is None else occurred}",
        f"PID|1||{mrn}^^^{facility}^MR||{pid}",
        *([f"MRG|{prior}^^^{facility}^MR"] if prior else []),
        "|".join(pv1).rstrip("|"),
        *extra,
    ]
    if event in ("A40", "A28", "A31"):
        lines = [line for line in lines if not line.startswith("PV1")]
    return ("\r".join(lines) + "\r").encode()


def stamp(instant: datetime) -> str:
    """An instant as HL7 writes it."""
    return instant.strftime("%Y%m%d%H%M%S%z")
