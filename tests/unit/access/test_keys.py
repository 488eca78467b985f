"""The installation's key is made once and read by its owner only."""

import stat
import threading

import pytest

from careloop.access.keys import Keyring, open_keyring
from careloop.errors import Unavailable


def test_the_key_is_made_once_and_private(tmp_path):
    open_keyring.cache_clear()
    first = open_keyring(tmp_path)
    open_keyring.cache_clear()
    assert open_keyring(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "keys" / "access.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["access.key"]


def test_sixteen_starts_at_once_agree_on_one_key(tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(open_keyring.__wrapped__(tmp_path).root)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1


def test_a_damaged_key_stops_the_start(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "access.key").write_bytes(b"short")
    open_keyring.cache_clear()
    with pytest.raises(Unavailable):
        open_keyring(tmp_path)


def test_what_was_sealed_opens_only_with_its_key_and_purpose():
    keys = Keyring(root=b"k" * 32)
    sealed = keys.seal("totp secret", "ABC")
    assert b"ABC" not in sealed
    assert keys.unseal("totp secret", sealed) == "ABC"
    for other, purpose in ((Keyring(root=b"x" * 32), "totp secret"), (keys, "another")):
        with pytest.raises(Unavailable):
            other.unseal(purpose, sealed)


def test_the_key_is_not_printed():
    assert "kkkk" not in repr(Keyring(root=b"k" * 32))
