"""Id tokens (OpenID Connect Core 1.0 §2): who the person is, signed by this installation's own key.

The key is RSA, as every client must be able to verify RS256. It is made once and kept in the data folder beside the
keyring (`keys/id-token.pem`, mode 0600), never in the database.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

from careloop.access.keys import keep_once

ALGORITHM: Final = "RS256"
_BITS = 2048


def sign(data_dir: Path, claims: Mapping[str, Any]) -> str:
    """The claims as a signed token."""
    key = _key(data_dir)
    return jwt.encode({"alg": ALGORITHM, "kid": _kid(key), "typ": "JWT"}, dict(claims), key, algorithms=[ALGORITHM])


def published_keys(data_dir: Path) -> dict[str, Any]:
    """The key set by which anybody verifies our id tokens; public parts only."""
    key = _key(data_dir)
    public = {name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "n", "e")}
    return {"keys": [{**public, "kid": _kid(key), "alg": ALGORITHM, "use": "sig"}]}


@lru_cache(maxsize=8)
def _key(data_dir: Path) -> RSAKey:
    path = data_dir / "keys" / "id-token.pem"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_once(path, RSAKey.generate_key(_BITS).as_pem(private=True))
    return RSAKey.import_key(path.read_bytes())


def _kid(key: RSAKey) -> str:
    digest = hashlib.sha256(key.as_pem(private=False)).digest()
    return urlsafe_b64encode(digest[:12]).decode()
