"""Passwords that are guessed first are refused; the others are kept as argon2id."""

import pytest

from careloop.access.passwords import check_new_password, hash_password, new_password, verify_password
from careloop.errors import Rejected


@pytest.mark.parametrize(
    "password",
    [
        "short-one",
        "a" * 300,
        "password1234",
        "P@ssw0rd!2026",
        "Welcome2Careloop",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "qwertyuiop12",
        "123456789012",
        "abcdefghijklm",
        "letmeinletmein",
        "Riverbend2026!",
        "dana.reyes.2026",
        "correcthorsebatterystaple",
        "Summer-Winter-2026",
        "hospital-admin-1",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password):
    with pytest.raises(Rejected) as refused:
        check_new_password(password, names=("dana", "Dana Reyes", "riverbend"))
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["velvet anchor 9 tundra", "xK4-mountain-lute", "Fjord!kelp!zither", "ünïcödé-lärche"]
)
def test_a_password_of_uncommon_words_is_taken(password):
    check_new_password(password, names=("dana", "riverbend"))


def test_a_made_up_password_is_always_taken():
    for _ in range(200):
        check_new_password(new_password(), names=("dana", "riverbend"))


def test_a_hash_is_argon2id_with_the_second_profile_of_rfc_9106():
    assert hash_password("velvet anchor 9 tundra").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_only_the_password_itself_opens():
    stored = hash_password("velvet anchor 9 tundra")
    assert verify_password(stored, "velvet anchor 9 tundra")
    assert not verify_password(stored, "velvet anchor 9 tundrA")
    assert not verify_password(None, "velvet anchor 9 tundra")
    assert not verify_password("not a hash", "velvet anchor 9 tundra")


def test_composed_and_decomposed_letters_are_the_same_password():
    assert verify_password(hash_password("l\u00e4rche-on-the-hill"), "la\u0308rche-on-the-hill")
