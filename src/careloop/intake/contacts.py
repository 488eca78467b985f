"""NK1 as Patient.contact. Source: v2-to-FHIR map NK1[Patient]."""

from careloop.intake import datatypes
from careloop.intake.actors import organization
from careloop.intake.addresses import Segments
from careloop.intake.datatypes import Context, Json, Rule
from careloop.intake.hl7v2 import Segment


def contacts(segments: Segments, context: Context) -> list[Json]:
    """NK1 as Patient.contact: name, relation, ways to reach; the first of each, as Patient.contact holds one."""
    found_contacts = []
    for segment in segments.get("NK1", ()):
        plain = Rule(address="NK1-2")
        name = [found for value in segment.values(2) if (found := datatypes.human_name(value, plain, context))]
        telecom = [
            found
            for number, options in ((5, {"use": "home"}), (6, {"use": "work"}), (40, {}), (41, {}))
            for value in segment.values(number)
            if (found := datatypes.contact_point(value, Rule(address=f"NK1-{number}", options=options), context))
        ]
        roles = [(3, "relationship"), (7, "contact-role")]
        relationship = [
            found
            for number, table in roles
            for value in segment.values(number)
            if (found := datatypes.codeable_concept(value, Rule(address="", table=context.tables[table]), context))
        ]
        addresses = [found for value in segment.values(4) if (found := datatypes.address(value, plain, context))]
        contact = {"relationship": relationship, "name": name[:1], "telecom": telecom, "address": addresses[:1]}
        if name or telecom:
            said = {key: part[0] if key in ("name", "address") else part for key, part in contact.items() if part}
            found_contacts.append({**said, **_rest(segment, context)})
    return found_contacts


def _rest(segment: Segment, context: Context) -> Json:
    """Sex, employer or agency, and the time for which it holds."""
    gender = context.tables["administrative-sex"].of(segment.text(15)) if segment.text(15) else None
    beside = {
        "contact": segment.values(30),
        "contact-telecom": segment.values(31),
        "contact-address": segment.values(32),
    }
    plain = Rule(address="NK1-13", options=beside)
    found: Json = {
        "gender": gender,
        "organization": organization(segment.value(13), plain, context) if segment.raw(13) else None,
        "period": datatypes.period_of(segment.text(8), segment.text(9), context),
    }
    return {key: part for key, part in found.items() if part}
