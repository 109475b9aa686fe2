"""The province's sign-on: OpenID Connect, authorization code with PKCE, group -> role.

What a person brings back is believed only after state, nonce, signature, issuer, audience and time
fit. Whoever has no group of ours does not come in; a role is looked up anew at every login.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ioc.clock import Clock
from ioc.domain.errors import Refusal
from ioc.domain.instant import SECOND
from ioc.domain.permission import Role
from ioc.settings import SignOn, read_secret
from ioc.storage import accounts, secret
from ioc.storage.accounts import Arrival
from ioc.storage.script import run_async
from ioc.web.auth import Caller, Door, Login
from ioc.web.database import Database

_ANSWER_S: Final = 5.0  # a sign-on that takes longer is away for a person who waits
_FRESH_S: Final = 3600.0  # its addresses and keys; asked again at once when a key is unknown
_LEEWAY_S: Final = 60  # between its clock and ours
_LARGEST: Final = 1 << 20
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")


class SignOnError(Refusal):
    """Somebody does not come in by the sign-on; the message is for the log."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send a browser, and what it must bring back in a cookie."""

    url: str
    kept: str


@dataclass(frozen=True, slots=True)
class Back:
    """What a browser brought back."""

    code: str
    state: str
    kept: str


class SignOnDoor:
    """Raises SignOnError for whatever does not fit, DatabaseAwayError when the database is away."""

    def __init__(self, settings: SignOn, door: Door, database: Database, clock: Clock) -> None:
        self._settings = settings
        self._door = door
        self._database = database
        self._clock = clock
        self._found: tuple[float, dict[str, Any]] | None = None

    async def begin(self, redirect_uri: str, target: str) -> Begun:
        """Return the way to the sign-on for somebody who wants to go to `target`."""
        metadata = await self._metadata()
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        with self._client(redirect_uri) as client:
            url, state = client.create_authorization_url(
                metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "target": target}
        return Begun(url, urlsafe_b64encode(orjson.dumps(kept)).decode())

    async def finish(self, back: Back, redirect_uri: str, caller: Caller) -> tuple[Login, str]:
        """Return the open session of whoever came back, and where they wanted to go."""
        kept = _kept(back.kept)
        if not hmac.compare_digest(kept["state"].encode(), back.state.encode()):
            raise SignOnError("the state is another browser's")
        metadata = await self._metadata()
        claims = await asyncio.to_thread(self._exchange, metadata, back.code, kept, redirect_uri)
        role = self._role(claims)
        password = await asyncio.to_thread(secret.hash_password, secret.new_secret())
        arrival = self._arrival(claims, role, password, caller)
        async with self._database.connection() as conn:
            account = await run_async(conn, accounts.arrive(arrival))
        if account is None:
            raise SignOnError("the account is shut")
        number, name = account
        return await self._door.open(number, name, caller, how="sign_on"), kept["target"]

    def _arrival(
        self, claims: Mapping[str, Any], role: Role, password_hash: str, caller: Caller
    ) -> Arrival:
        subject = str(claims["sub"])
        name = str(claims.get(self._settings.name_claim) or subject).strip().lower()
        shown = str(claims.get("name") or name)
        plain = "".join(letter for letter in name if letter.isprintable() and letter != " ")
        return Arrival(
            subject=f"{self._settings.issuer}|{subject}",
            username=plain[:60] or subject[:60],
            display_name="".join(letter for letter in shown if letter.isprintable())[:100],
            role=role,
            password_hash=password_hash,
            address=caller.address,
        )

    def _role(self, claims: Mapping[str, Any]) -> Role:
        groups = claims.get(self._settings.groups_claim, [])
        mine = {str(group) for group in groups} if isinstance(groups, list) else {str(groups)}
        for group, role in self._settings.roles.items():
            if group in mine and role not in (Role.KIOSK, Role.SOURCE):
                return role
        raise SignOnError("no group of this person has a role here")

    def _exchange(
        self, metadata: Mapping[str, Any], code: str, kept: Mapping[str, str], redirect_uri: str
    ) -> dict[str, Any]:
        """Return the verified claims behind a code; with those of userinfo where groups lack."""
        with self._client(redirect_uri) as client:
            try:
                token = client.fetch_token(
                    metadata["token_endpoint"],
                    code=code,
                    code_verifier=kept["verifier"],
                    timeout=_ANSWER_S,
                )
                claims = self._verified(token.get("id_token", ""), metadata, kept["nonce"])
                if self._settings.groups_claim not in claims and "userinfo_endpoint" in metadata:
                    more = client.get(metadata["userinfo_endpoint"], timeout=_ANSWER_S).json()
                    if more.get("sub") != claims["sub"]:
                        raise SignOnError("userinfo speaks of somebody else")
                    claims = more | claims
            except (OAuthError, requests.RequestException, ValueError, KeyError) as error:
                code_word = getattr(error, "error", None) or type(error).__name__
                raise SignOnError(f"no token for the code: {code_word}") from error
        return claims

    def _verified(self, token: str, metadata: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        keys = _get(metadata["jwks_uri"])
        given = set(metadata.get("id_token_signing_alg_values_supported", ["RS256"]))
        rules = jwt.JWTClaimsRegistry(
            now=self._clock.now() // SECOND,
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            read = jwt.decode(
                token,
                KeySet.import_key_set(cast("Any", keys)),  # it checks them itself
                algorithms=[name for name in _ALGORITHMS if name in given],
            )
            rules.validate(read.claims)
        except (JoseError, ValueError) as error:
            raise SignOnError(f"the ID token does not fit: {type(error).__name__}") from error
        return dict(read.claims)

    async def _metadata(self) -> dict[str, Any]:
        if self._found is not None and time.monotonic() - self._found[0] < _FRESH_S:
            return self._found[1]
        issuer = self._settings.issuer
        if not issuer:
            raise SignOnError("there is no sign-on here")
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await asyncio.to_thread(_get, address)
        if found.get("issuer") != issuer:
            raise SignOnError("the sign-on calls itself by another name")
        self._found = (time.monotonic(), found)
        return found

    def _client(self, redirect_uri: str) -> OAuth2Session:
        """Return a client; without a secret it is a public one, and PKCE alone proves it."""
        given = self._settings.secret
        key = read_secret(given) if given.env or given.file else None
        return OAuth2Session(
            self._settings.client_id,
            key,
            scope=self._settings.scope,
            redirect_uri=redirect_uri,
            token_endpoint_auth_method="client_secret_basic" if key else "none",
            code_challenge_method="S256",
        )


def _get(address: str) -> dict[str, Any]:
    try:
        answer = requests.get(address, timeout=_ANSWER_S, allow_redirects=False)
        answer.raise_for_status()
        found = orjson.loads(answer.content[:_LARGEST])
    except (requests.RequestException, ValueError) as error:
        raise SignOnError(f"the sign-on does not answer: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise SignOnError("the sign-on answers something else")
    return found


def _kept(cookie: str) -> dict[str, str]:
    try:
        found = orjson.loads(urlsafe_b64decode(cookie))
        return {name: str(found[name]) for name in ("state", "nonce", "verifier", "target")}
    except (ValueError, KeyError, TypeError) as error:
        raise SignOnError("nobody began here, or too long ago") from error
