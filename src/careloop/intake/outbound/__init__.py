"""FHIR resources as HL7 v2 messages, by content."""

from careloop.intake.outbound.maps import OutboundMap, read_maps
from careloop.intake.outbound.messages import Occasion, make_message

__all__ = ["Occasion", "OutboundMap", "make_message", "read_maps"]
