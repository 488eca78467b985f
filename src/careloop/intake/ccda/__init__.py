"""C-CDA documents: bytes become resources, driven by `content/ccda`."""

from careloop.intake.ccda.checks import check_document
from careloop.intake.ccda.content import CcdaContent, load_ccda
from careloop.intake.ccda.document import read
from careloop.intake.ccda.model import PATIENT, CcdaResult, Made
from careloop.intake.ccda.settling import settle

__all__ = ["PATIENT", "CcdaContent", "CcdaResult", "Made", "check_document", "load_ccda", "read", "settle"]
