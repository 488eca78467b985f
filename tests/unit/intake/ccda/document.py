"""A small C-CDA document of our own, to be varied by tests."""

HEAD = """<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="2.16.840.1.113883.10.20.22.1.1"/>
<id root="1.2.3.4" extension="doc-1"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summary"/>
<title>Summary</title><effectiveTime value="20260102030405-0500"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="en-US"/>
<recordTarget><patientRole><id root="1.2.3.5" extension="77"/><addr nullFlavor="UNK"/>
<telecom value="tel:+1-518-555-0101" use="HP"/>
<patient><name use="L"><given>Ann</given><family>Ample</family></name>
<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19500403"/>
<raceCode code="2106-3" codeSystem="2.16.840.1.113883.6.238" displayName="White"/>
<ethnicGroupCode nullFlavor="UNK"/></patient></patientRole></recordTarget>
<author><time value="20260102"/><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="1234567893"/>
<assignedPerson><name><given>Dora</given><family>Doe</family></name></assignedPerson></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.3.6"/><name>Clinic</name>
</representedCustodianOrganization></assignedCustodian></custodian>
"""


def document(*sections: str, head: str = HEAD) -> bytes:
    """A document with these sections."""
    body = "".join(f"<component>{one}</component>" for one in sections)
    return f"{head}<component><structuredBody>{body}</structuredBody></component></ClinicalDocument>".encode()


def section(code: str, *entries: str, text: str = "<text>none</text>", template: str = "", more: str = "") -> str:
    """A section with this LOINC code and these statements as its entries."""
    root = f'<templateId root="2.16.840.1.113883.10.20.{template}"/>' if template else ""
    inner = "".join(f"<entry>{one}</entry>" for one in entries)
    coded = f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>'
    return f"<section>{root}{coded}<title>Section</title>{text}{more}{inner}</section>"


def allergy(value: str = "416098002", agent: str = "", *, negated: bool = False, own_id: str = "a1") -> str:
    """An allergy concern act with its observation."""
    no = ' negationInd="true"' if negated else ""
    code = agent or '<code nullFlavor="NA"/>'
    return f"""<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.30"/>
<id root="1.2.3" extension="c-{own_id}"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><effectiveTime><low value="2020"/></effectiveTime><entryRelationship typeCode="SUBJ">
<observation classCode="OBS" moodCode="EVN"{no}><templateId root="2.16.840.1.113883.10.20.22.4.7"/>
<id root="1.2.3" extension="{own_id}"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
<statusCode code="completed"/><effectiveTime><low value="20200102"/></effectiveTime>
<value xsi:type="CD" code="{value}" codeSystem="2.16.840.1.113883.6.96"/><participant typeCode="CSM">
<participantRole classCode="MANU"><playingEntity classCode="MMAT">{code}</playingEntity></participantRole></participant>
</observation></entryRelationship></act>"""


PENICILLIN = '<code code="7982" codeSystem="2.16.840.1.113883.6.88" displayName="Penicillin G"/>'


def problem(value: str, *, own_id: str = "p1", negated: bool = False, high: str = "") -> str:
    """A problem concern act with its observation."""
    no = ' negationInd="true"' if negated else ""
    return f"""<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/>
<id root="1.2.3" extension="c-{own_id}"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><effectiveTime><low value="2020"/></effectiveTime><entryRelationship typeCode="SUBJ">
<observation classCode="OBS" moodCode="EVN"{no}><templateId root="2.16.840.1.113883.10.20.22.4.4"/>
<id root="1.2.3" extension="{own_id}"/><code code="55607006" codeSystem="2.16.840.1.113883.6.96"/>
<statusCode code="completed"/><effectiveTime><low value="202001"/>{high}</effectiveTime>{value}</observation>
</entryRelationship></act>"""
