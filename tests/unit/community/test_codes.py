"""Codes of links and sheets: what is made can be found again, whatever was typed; nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from careloop.community import codes


@given(st.binary(min_size=32, max_size=32), st.integers(1, 10**9), st.sampled_from("LS"))
def test_a_sheet_code_is_known_however_it_is_typed(digest: bytes, number: int, letter: str) -> None:
    code = codes.sheet_code(f"{letter}-{number}", codes.check_letters(digest))
    assert codes.plain(code) == code
    assert codes.plain(f"  {code.lower()} ") == code
    assert codes.plain(codes.as_path(code)) == code
    assert codes.plain(code.replace("-", "").replace(" ", "")) == code
    assert codes.in_text(f"some words {code}, more") == [code]


@given(st.binary(min_size=32, max_size=32))
def test_a_link_code_is_taken_as_it_is(digest: bytes) -> None:
    code = codes.link_code(digest)
    assert codes.plain(code) == code and len(code) == 22


def test_other_texts_are_no_codes() -> None:
    for text in ("", "L-1987", "L-1987 K7Q", "X-1987 K7QX", "L-0 K7QX", "L-1987 B8O0", "../etc/passwd", "K7QX"):
        assert codes.plain(text) is None
    assert codes.in_text("XL-1987 K7QXY and L-1987") == []
