"""Resources become C-CDA R2.1 documents."""

from careloop.intake.ccda.writing.document import Request, write_document
from careloop.intake.ccda.writing.sections import STEPS

__all__ = ["STEPS", "Request", "write_document"]
