"""The one place that imports joserfc, and says how to get it."""

try:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, JWKRegistry, Key, KeySet, OctKey, OKPKey, RSAKey
    from joserfc.jws import JWSRegistry
except ModuleNotFoundError as error:
    raise ImportError("hardy.adapters.jwt needs joserfc. Install it with: pip install 'hardy[auth]'") from error

__all__ = ["ECKey", "JWKRegistry", "JWSRegistry", "JoseError", "Key", "KeySet", "OKPKey", "OctKey", "RSAKey"]
