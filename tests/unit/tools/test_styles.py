"""The rule about style sheets finds what it is for and lets the rest pass."""

from tools.rules import styles
from tools.tree import Source, Tree

_PAGES = "src/careloop/web/staff/templates/"
_BASE = Source(f"{_PAGES}base.html", '<link href="{{ asset(\'staff.css\') }}"><p class="card">')
_STAFF = Source(f"{styles.SHEETS}staff.css", ".card { margin: 0; }\n")


def says(*files: Source) -> list[tuple[str, int, str]]:
    return [(one.path.rpartition("/")[2], one.line, one.says) for one in styles.check(Tree((_BASE, _STAFF, *files)))]


def test_a_class_that_nothing_has_is_found_at_its_line() -> None:
    sheet = Source(f"{styles.SHEETS}more.css", "/* .old {\n} */\n@media print {\n  .gone:hover, .card { top: 0; }\n}\n")
    assert says(sheet) == [("more.css", 4, "nothing has the class gone: remove it")]


def test_classes_from_values_macros_and_scripts_are_used() -> None:
    sheet = Source(f"{styles.SHEETS}more.css", ".rings-late { top: 0; }\n.bad { top: 0; }\n.made { top: 0; }\n")
    page = Source(f"{_PAGES}page.html", "{% set kind = 'bad' %}<i class=\"rings-{{ state }} {{ kind }}\">")
    assert says(sheet, page, Source("src/careloop/web/assets/source/app.js", "x.classList.add('made');")) == []
    assert len(says(sheet)) == 3


def test_a_page_loads_the_sheet_of_what_it_and_its_parts_show() -> None:
    sheet = Source(f"{styles.SHEETS}board.css", ".column { margin: 0; }\n")
    part = Source(f"{_PAGES}part.html", '<div class="column">')
    page = "{% extends 'base.html' %}{% include 'part.html' %}"
    without = Source(f"{_PAGES}page.html", page)
    loading = Source(f"{_PAGES}page.html", page + "<link href=\"{{ asset('board.css') }}\">")
    assert says(sheet, part, without) == [("page.html", 1, "has the class column, of board.css: load it")]
    assert says(sheet, part, loading) == []


def test_a_long_sheet_is_found() -> None:
    assert says(Source(f"{styles.SHEETS}long.css", ".card { margin: 0; }\n" * 1500))[0][:2] == ("long.css", 1)
    assert says(Source(f"{styles.SHEETS}long.css", ".card { margin: 0; }\n" * 1400)) == []
