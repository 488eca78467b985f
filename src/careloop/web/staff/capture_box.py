"""The box on the patient page as a value: empty, with what is wrong, or with what one save would write."""

from dataclasses import dataclass

from careloop.flows import capturing
from careloop.web.staff.context import Staff
from careloop.web.staff.worklist import new_key

ICONS: tuple[str, ...] = ("circle-plus", "circle-check", "circle-dashed", "phone-missed")
_KINDS = {"wrote": ICONS[0], "proof": ICONS[1], "closes": ICONS[1], "opens": ICONS[2], "try": ICONS[3]}


@dataclass(frozen=True, kw_only=True)
class Box:
    """What the page draws. `sure` are the questions that were answered with yes."""

    key: str
    examples: tuple[tuple[str, str], ...]
    text: str = ""
    preview: capturing.Preview | None = None
    sure: tuple[str, ...] = ()
    problem: str = ""

    def icon_of(self, kind: str) -> str:
        """The icon of a kind of line."""
        return _KINDS[kind]


def empty_box(staff: Staff) -> Box:
    """Nothing is typed yet."""
    return Box(key=new_key(), examples=capturing.grammar(staff.app).examples)
