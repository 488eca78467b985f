"""A request that changes something comes from a page of ours and carries its session's token."""

import pytest

from careloop.access.browser import BrowserRequest, check_csrf, check_origin, is_secure
from careloop.access.sessions import csrf_token, tenant_of
from careloop.errors import NotPermitted

HOST = "care.example:8443"


@pytest.mark.parametrize(
    ("origin", "referer"),
    [("https://care.example:8443", ""), ("https://CARE.example:8443", ""), ("", "https://care.example:8443/worklist")],
)
def test_our_own_pages_may_send(origin, referer):
    check_origin(BrowserRequest(scheme="https", host=HOST, origin=origin, referer=referer))


@pytest.mark.parametrize(
    ("origin", "referer"),
    [
        ("", ""),
        ("null", ""),
        ("https://evil.example", ""),
        ("https://evil.example", "https://care.example:8443/"),
        ("https://care.example:8443.evil.example", ""),
        ("https://care.example", ""),
        ("", "https://evil.example/care.example"),
    ],
)
def test_other_sites_may_not(origin, referer):
    with pytest.raises(NotPermitted):
        check_origin(BrowserRequest(scheme="https", host=HOST, origin=origin, referer=referer))


def test_the_csrf_token_belongs_to_one_session():
    first, second = "cls_1." + "a" * 43, "cls_1." + "b" * 43
    check_csrf(first, csrf_token(first))
    for offered in ("", csrf_token(second), first, "ü"):
        with pytest.raises(NotPermitted):
            check_csrf(first, offered)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cls_1",
        "cls_1.",
        "cls_0." + "a" * 43,
        "cls_x." + "a" * 43,
        "cls_1." + "a" * 42,
        "1." + "a" * 43,
        "cls_9999999999." + "a" * 43,
        "cls_1." + "a" * 43 + "\n",
        "cls_\u0661." + "a" * 43,
    ],
)
def test_what_cannot_be_a_token_names_no_tenant(text):
    assert tenant_of(text) is None


def test_a_token_names_its_tenant():
    assert tenant_of("cls_17." + "a_-" * 14 + "z") == 17
    assert tenant_of("clt_17." + "a" * 43) == 17


def test_cookies_are_secure_behind_https():
    plain = BrowserRequest(scheme="http", host="127.0.0.1:8000")
    assert not is_secure(plain, None)
    assert is_secure(plain, "https://care.example")
    assert is_secure(BrowserRequest(scheme="https", host=HOST), None)
