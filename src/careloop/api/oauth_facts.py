"""What an app may find out about signing in here: SMART configuration, OpenID configuration, public keys.

Only what works is said; the CapabilityStatement says the same.
"""

from typing import Any, Final

from litestar import Request, Response, get

from careloop.access import id_tokens
from careloop.access.scopes import WORDS
from careloop.api.authentication import app_of
from careloop.api.oauth import base_url

_AnyRequest = Request[Any, Any, Any]
_OPEN: Final = {"Access-Control-Allow-Origin": "*"}
"""Nothing here is anybody's; apps in a browser read it from their own origin."""


@get("/fhir/.well-known/smart-configuration", sync_to_thread=False)
def smart_configuration(request: _AnyRequest) -> Response[dict[str, Any]]:
    """What a SMART client may use here (SMART App Launch 2.2, "Conformance")."""
    return Response(smart_facts(base_url(request)), headers=_OPEN)


@get("/.well-known/openid-configuration", sync_to_thread=False)
def openid_configuration(request: _AnyRequest) -> Response[dict[str, Any]]:
    """The same in the words of OpenID Connect Discovery 1.0."""
    return Response(openid_facts(base_url(request)), headers=_OPEN)


@get("/oauth/jwks", sync_to_thread=True)
def jwks(request: _AnyRequest) -> Response[dict[str, Any]]:
    """The public keys by which id tokens are verified."""
    return Response(id_tokens.published_keys(app_of(request).settings.data_dir), headers=_OPEN)


def smart_facts(base: str) -> dict[str, Any]:
    """The SMART configuration of the server at this address; the CapabilityStatement says the same."""
    return {
        "issuer": base,
        "jwks_uri": f"{base}/oauth/jwks",
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "registration_endpoint": f"{base}/oauth/register",
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": [
            *WORDS, "patient/*.cruds", "patient/*.rs", "user/*.cruds", "user/*.rs", "system/*.cruds", "system/*.rs",
        ],
        "capabilities": [
            "launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric",
            "client-confidential-asymmetric", "sso-openid-connect", "context-banner", "context-ehr-patient",
            "context-standalone-patient", "permission-offline", "permission-patient", "permission-user",
            "permission-v2",
        ],
    }  # fmt: skip


def openid_facts(base: str) -> dict[str, Any]:
    """The OpenID configuration of the server at this address."""
    smart = smart_facts(base)
    same = (
        "issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "registration_endpoint",
        "grant_types_supported", "response_types_supported", "code_challenge_methods_supported",
        "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported",
        "scopes_supported",
    )  # fmt: skip
    return {
        **{name: smart[name] for name in same},
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [id_tokens.ALGORITHM],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"],
    }


routes: Final = [smart_configuration, openid_configuration, jwks]
