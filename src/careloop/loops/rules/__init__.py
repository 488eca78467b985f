"""Pure decisions of the engine: values in, values out. See README.md."""

from careloop.loops.rules.calendar import Calendar
from careloop.loops.rules.derive import derive
from careloop.loops.rules.pathways import Pathway, Pathways

__all__ = ["Calendar", "Pathway", "Pathways", "derive"]
