"""The envelope of a message as FHIR: a MessageHeader and the software that sent it, to stand inside the Provenance.

Contained and not resources of their own: every message has one, nobody looks them up but by the message. Pure.
"""

from careloop.intake.datatypes import Context, Json
from careloop.intake.hl7v2 import Message
from careloop.intake.mapping import Mappings, fill, nested

PROVENANCE = "message-provenance"
HEADER, SOFTWARE = "header", "software"


def header(message: Message, mappings: Mappings, context: Context) -> tuple[Json, ...]:
    """The MessageHeader (`#header`) and, where the sender names any, its software (`#software`)."""
    segments = {"MSH": [message.msh], "SFT": message.all("SFT"), "EVN": message.all("EVN")}
    found = []
    for own_id, map_id in ((HEADER, "message-header"), (SOFTWARE, "message-software")):
        mapping = mappings.segments[map_id]
        elements = nested(fill(mapping, segments, context))
        if elements:
            found.append({"resourceType": mapping.resource, "id": own_id, **mapping.constants, **elements})
    return tuple(found)


def beside(message: Message, mappings: Mappings, context: Context) -> Json:
    """What the event segment adds to the Provenance: who entered it, why, where."""
    return nested(fill(mappings.segments[PROVENANCE], {"EVN": message.all("EVN")}, context))
