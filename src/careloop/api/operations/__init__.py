"""The FHIR operations that this server offers. One module each; a line here makes a route and a line in metadata."""

from careloop.api.operations import everything, match, merge, validate
from careloop.api.operations.model import Operation

OPERATIONS: tuple[Operation, ...] = (everything.OPERATION, validate.OPERATION, match.OPERATION, merge.OPERATION, merge.UNMERGE)
"""Every operation, in the order of the CapabilityStatement."""
