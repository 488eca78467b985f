"""The envelope of a message as FHIR: a MessageHeader and the software that sent it, to stand inside the Provenance.

Contained and not resources of their own: every message has one, nobody looks them up but by the message. Pure.
"""

from careloop.intake.datatypes import Context, Json
from careloop.intake.hl7v2 import Message
from careloop.intake.mapping import Mappings, fill, nested

HEADER, SOFTWARE = "header", "software"


def header(message: Message, mappings: Mappings, context: Context) -> tuple[Json, ...]:
    """The MessageHeader (`#header`) and, where the sender names any, its software (`#software`)."""
    segments = {"MSH": [message.msh], "SFT": message.all("SFT"), "EVN": message.all("EVN")}
    found = []
    for own_id, map_id in ((HEADER, "message-header"), (SOFTWARE, "message-software")):
        mapping = mappings.segments[map_id]
        elements = nested(fill(mapping, segments, context))
        if elements:
            found.append({"resourceType": mapping.resource, "id": own_id, **elements, **mapping.constants})
    return tuple(found)
