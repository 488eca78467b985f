"""Inbound samples beside ADT: results, orders, documents, bookings, shots, prescriptions. Invented people."""

DR = "1234567893^WONG^LI^^^DR^MD^^NPI^L^^^NPI"
AT = "20261120080000-0500"
_PID = "PID|1||{mrn}^^^STMARY^MR||RIVERA^ANA^M||19510415|F|||12 ELM ST^^SPRINGFIELD^MA^01101"


def message(
    kind: str, *lines: str, control_id: str, at: str = AT, sender: str = "LAB|STMARY", mrn: str = "100234"
) -> bytes:
    """A message of these segments; `{pid}` stands for the person."""
    header = f"MSH|^~\\&|{sender}|CARELOOP|PRACTICE|{at}||{kind}|{control_id}|P|2.5.1"
    pid = _PID.format(mrn=mrn)
    return "".join(f"{line}\r" for line in (header, *(line.replace("{pid}", pid) for line in lines))).encode()


def oru(
    value: str = "182", *, status: str = "F", control_id: str = "R1", at: str = AT, visit: str = "", mrn: str = "100234"
) -> bytes:
    """A glucose result: one order, one report, two observations with a note."""
    visits = [f"PV1|1|O|||||||||||||||||{visit}"] if visit else []
    return message(
        "ORU^R01^ORU_R01",
        "{pid}",
        *visits,
        f"ORC|RE|P100^CLINIC|F200^LAB||||||20261119|||{DR}",
        f"OBR|1|P100^CLINIC|F200^LAB|24323-8^Metabolic^LN|||20261120063000-0500|||||||||{DR}||||||{at}||CH|{status}",
        f"OBX|1|NM|2345-7^Glucose^LN||{value}|mg/dL^^UCUM|70-105|H|||{status}|||20261120063000-0500",
        "NTE|1||Fasting",
        f"OBX|2|SN|30341-2^ESR^LN||>^100|mm/h^^UCUM|<20|HH|||{status}",
        "SPM|1|S1&CLINIC^S2&LAB||119297000^Blood^SCT|||||||||||||20261120063000-0500",
        control_id=control_id,
        at=at,
        mrn=mrn,
    )


def order(control: str = "NW", *, control_id: str = "O1", at: str = AT) -> bytes:
    """An order for the same panel, placed, changed or withdrawn."""
    return message(
        "ORM^O01",
        "{pid}",
        f"ORC|{control}|P100^CLINIC|||||^^^20261121^^R||{at}|||{DR}",
        "OBR|1|P100^CLINIC||24323-8^Metabolic panel^LN|R",
        "NTE|1||Please call the clinic",
        control_id=control_id,
        at=at,
        sender="EHR|STMARY",
    )


def booking(event: str = "S12", start: str = "202612011000-0500", *, control_id: str = "B1", at: str = AT) -> bytes:
    """An appointment with a person, at a place."""
    return message(
        f"SIU^{event}^SIU_S12",
        f"SCH|A77^CLINIC|B88^CLINIC|||||FOLLOWUP^Follow up^HL70276|Normal^^HL70277|30|min|^^30^{start}",
        "{pid}",
        "RGS|1",
        "AIS|1||99213^Office visit^C4|" + start,
        f"AIP|1||{DR}|PCP^Primary care|",
        "AIL|1||CLINIC^ROOM2^^STMARY",
        control_id=control_id,
        at=at,
        sender="SCHED|STMARY",
    )


def document(
    event: str = "T02",
    number: str = "D500",
    *,
    parent: str = "",
    kind: str = "DS^Discharge summary",
    status: str = "AU",
    text: str = "Ana is well.",
    control_id: str = "M1",
    at: str = AT,
) -> bytes:
    """A document with its text."""
    return message(
        f"MDM^{event}^MDM_T02",
        f"EVN|{event}|{at}",
        "{pid}",
        "PV1|1|I|||||||||||||||||V900001",
        f"TXA|1|{kind}|TX||||{at}||{DR}|||{number}^STMARY|{parent}||||{status}||AV",
        f"OBX|1|TX|18842-5^Summary^LN||{text}||||||F",
        "OBX|2|TX|18842-5^Summary^LN||See us in a week.||||||F",
        control_id=control_id,
        at=at,
        sender="DOC|STMARY",
    )


def shot(action: str = "A", *, control_id: str = "V1", at: str = AT) -> bytes:
    """An influenza shot, given or taken back."""
    return message(
        "VXU^V04^VXU_V04",
        "{pid}",
        "ORC|RE||65930^STMARY",
        f"RXA|0|1|20261101||141^Influenza^CVX|0.5|mL^^UCUM||00^New^NIP001|{DR}|||||LOT9|20270630|SKB^GSK^MVX|||CP|{action}",
        "RXR|IM^Intramuscular^HL70162|LA^Left arm^HL70163",
        "OBX|1|CWE|64994-7^Eligibility^LN||V01^Not eligible^HL70064||||||F",
        control_id=control_id,
        at=at,
        sender="IIS|STMARY",
    )


def referral(event: str = "I12", status: str = "A", *, control_id: str = "F1", at: str = AT) -> bytes:
    """A referral to cardiology."""
    return message(
        f"REF^{event}^REF_I12",
        f"RF1|{status}^^HL70283|R|MED|||REF9^CLINIC|20261120|||Chest pain^^L",
        "PRD|RP|WONG^LI|||||1234567893^NPI",
        "PRD|RT|ADAMS^JO|||||1999999984^NPI",
        "{pid}",
        control_id=control_id,
        at=at,
        sender="EHR|STMARY",
    )


def prescription(control: str = "NW", *, control_id: str = "X1", at: str = AT) -> bytes:
    """An encoded pharmacy order."""
    return message(
        "RDE^O11^RDE_O11",
        "{pid}",
        f"ORC|{control}|RX55^CLINIC||||||{at[:8]}|||{DR}",
        "RXE|^^^20261120|197361^Amlodipine 5 MG^RXNORM|5||mg^^UCUM|TAB||^One a day||30|{tbl}|2",
        "RXR|PO^Oral^HL70162",
        "TQ1|1||QD",
        control_id=control_id,
        at=at,
        sender="EHR|STMARY",
    )


def charge(*, control_id: str = "C9") -> bytes:
    """A charge."""
    return message(
        "DFT^P03^DFT_P03",
        "EVN|P03|20261120",
        "{pid}",
        "PV1|1|O|||||||||||||||||V900001",
        "FT1|1|T1||20261120|20261121|CG|99213^Office visit^C4|||1|120.50^USD",
        control_id=control_id,
        sender="BILL|STMARY",
    )


def every_kind() -> dict[str, bytes]:
    """One message of each kind."""
    return {
        "oru": oru(visit="V900001"),
        "orm": order(),
        "siu": booking(),
        "mdm": document(),
        "vxu": shot(),
        "ref": referral(),
        "rde": prescription(),
        "dft": charge(),
    }
