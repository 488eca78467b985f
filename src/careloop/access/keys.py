"""The installation's own key: made at first start, kept in the data folder, never in the database or a dump of it.

Each use derives its own key from it, so that one purpose never weakens another.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from careloop.errors import Unavailable

_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """Derives keys for named purposes. Prints as nothing that could leak."""

    root: bytes = field(repr=False)

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same on every start (HMAC-SHA-256 of the purpose under the root)."""
        return hmac.digest(self.root, purpose.encode(), hashlib.sha256)

    def fingerprint(self, purpose: str, value: str) -> bytes:
        """A keyed hash: equal for equal values, useless without the key."""
        return hmac.digest(self.key(purpose), value.encode(), hashlib.sha256)

    def seal(self, purpose: str, value: str) -> bytes:
        """`value` encrypted (JWE, AES-256-GCM) so that only this installation can read it."""
        header = {"alg": "dir", "enc": "A256GCM"}
        return jwe.encrypt_compact(header, value.encode(), OctKey.import_key(self.key(purpose))).encode()

    def unseal(self, purpose: str, sealed: bytes) -> str:
        """The value again; `Unavailable` when the data folder's key is not the one that sealed it."""
        try:
            opened = jwe.decrypt_compact(sealed, OctKey.import_key(self.key(purpose)))
        except (JoseError, ValueError) as error:
            raise Unavailable("the data folder's key is not the one that its database was written with") from error
        return (opened.plaintext or b"").decode()


@lru_cache(maxsize=8)
def open_keyring(data_dir: Path) -> Keyring:
    """The keyring of a data folder. The first start makes its key: `keys/access.key`, mode 0600."""
    path = data_dir / "keys" / "access.key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        keep_once(path, secrets.token_bytes(_LENGTH))
    root = path.read_bytes()
    if len(root) != _LENGTH:
        raise Unavailable("keys/access.key in the data folder is not a key of this product")
    return Keyring(root=root)


def keep_once(path: Path, content: bytes) -> None:
    """The key file exists, whole, mode 0600, and was made by exactly one of all processes that tried."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
