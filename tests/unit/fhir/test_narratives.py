"""Text is shown through an element allow-list."""

import pytest

from careloop.fhir.narratives import safe_html


@pytest.mark.parametrize(
    "hostile",
    [
        "<div><script>alert(1)</script>text</div>",
        '<div><p onclick="alert(1)">text</p></div>',
        '<div><a href="javascript:alert(1)">text</a></div>',
        '<div><img src="http://evil.example/x" onerror="alert(1)"/>text</div>',
        '<div style="background:url(http://evil.example)">text</div>',
        "<div><style>p{}</style><iframe src='x'></iframe>text</div>",
        '<div xmlns:s="http://www.w3.org/2000/svg"><s:svg onload="alert(1)"/>text</div>',
        '<div><form action="http://evil.example"><input/></form>text</div>',
        "<div><p id=\"x' onmouseover='alert(1)\">text</p></div>",
        "<div>&lt;script&gt;text</div>",
    ],
)
def test_nothing_that_acts_or_leads_away_is_left(hostile: str) -> None:
    shown = safe_html(hostile)
    assert "text" in shown
    for word in ("<script", "onclick", "onerror", "onload", "onmouseover", "javascript:", "evil.example", "<iframe"):
        assert word not in shown.lower()


def test_tables_and_lists_stay() -> None:
    shown = safe_html('<div><table><tr><td colspan="2" id="a1">x</td></tr></table><ul><li>y</li></ul></div>')
    assert '<td id="a1" colspan="2">x</td>' in shown and "<ul><li>y</li></ul>" in shown


def test_what_cannot_be_read_is_no_markup() -> None:
    assert "<b" not in safe_html("<div><b>broken")
