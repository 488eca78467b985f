"""Resources become C-CDA R2.1 documents."""

from careloop.intake.ccda.writing.document import Request, write_document

__all__ = ["Request", "write_document"]
