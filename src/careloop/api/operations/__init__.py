"""The FHIR operations that this server offers. One module each; a line here makes a route and a line in metadata."""

from careloop.api.operations import (
    apply,
    ccda,
    docref,
    document,
    everything,
    expand,
    export,
    lastn,
    lookup,
    match,
    merge,
    meta,
    subsumes,
    translate,
    validate,
    validate_code,
    viewdefinition_run,
)
from careloop.api.operations.model import Operation

OPERATIONS: tuple[Operation, ...] = (
    everything.OPERATION,
    lastn.OPERATION,
    docref.OPERATION,
    document.OPERATION,
    ccda.OPERATION,
    apply.OPERATION,
    meta.READ,
    meta.ADD,
    meta.DELETE,
    export.SYSTEM,
    export.PATIENT,
    export.GROUP,
    validate.OPERATION,
    match.OPERATION,
    merge.OPERATION,
    merge.UNMERGE,
    expand.OPERATION,
    validate_code.OPERATION,
    lookup.OPERATION,
    subsumes.OPERATION,
    translate.OPERATION,
    viewdefinition_run.OPERATION,
)
"""Every operation, in the order of the CapabilityStatement."""
