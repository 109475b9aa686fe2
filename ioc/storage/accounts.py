"""Accounts, sessions and tokens as an administrator changes them; each change is in the audit.

Scripts, so that `/users` and the command line do the same. A command about something that does not
exist returns None and leaves no line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ioc.domain.scope import EVERYTHING, Scope
from ioc.storage.audit import Entry, recording
from ioc.storage.script import Script


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something, and from where."""

    actor: str
    address: str | None = None

    def entry(self, action: str, what: str, **detail: Any) -> Entry:  # noqa: ANN401  JSON
        return Entry(self.actor, action, what, detail, self.address)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as the list shows it."""

    username: str
    display_name: str
    role: str
    disabled: bool
    locked_until: datetime | None
    must_change: bool
    second_factor: bool
    signed_on: bool  # it comes from the province's sign-on
    areas: list[str] | None
    domains: list[str] | None
    sessions: int
    last_seen: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an administrator says of somebody; the password comes beside it, hashed."""

    username: str
    display_name: str
    role: str
    scope: Scope = EVERYTHING


@dataclass(frozen=True, slots=True)
class SessionRow:
    """An open session; `number` names it, the secret is nowhere."""

    number: int
    username: str
    created_at: datetime
    active_at: datetime
    expires_at: datetime
    address: str | None
    agent: str
    here: bool  # the one that asks


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token without its secret."""

    id: int
    kind: str
    role: str
    label: str
    source: str | None
    areas: list[str] | None
    domains: list[str] | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


MOST_LISTED: Final = 5000  # a province has hundreds of people; beyond it a list is no help

_CHANGEABLE: Final = ("name", "role", "areas", "domains")
_ACCOUNTS: Final = (
    "select u.username, u.display_name, u.role, u.disabled, u.locked_until, u.must_change,"
    " u.totp_confirmed_at is not null, u.subject is not null, u.areas, u.domains,"
    " count(s.number) filter (where s.stage = 'open'), max(s.last_seen), u.created_at"
    " from app_user u left join session s on s.user_id = u.id and s.expires_at > now()"
    " group by u.id order by u.username limit %s"
)


def listed() -> Script[list[AccountRow]]:
    """Return every account by name."""
    rows = yield _ACCOUNTS, (MOST_LISTED,)
    return [AccountRow(*row) for row in rows]


def create(new: NewAccount, password_hash: str, by: By) -> Script[bool | None]:
    """Add an account whose password must be changed at the first login; None: the name is taken."""
    areas, domains = _columns(new.scope)
    rows = yield (
        (
            "insert into app_user (username, display_name, role, password_hash, must_change, areas,"
            " domains) values (%s, %s, %s, %s, true, %s, %s) on conflict (username) do nothing"
            " returning id"
        ),
        (new.username, new.display_name, new.role, password_hash, areas, domains),
    )
    if not rows:
        return None
    to = {"role": new.role, "areas": areas, "domains": domains}
    yield from recording(by.entry("user.create", new.username, to=to))
    return True


def change(new: NewAccount, by: By) -> Script[bool | None]:
    """Set an account's name, role and scope; other rights take effect at once."""
    before = yield (
        "select display_name, role, areas, domains from app_user where username = %s for update",
        (new.username,),
    )
    if not before:
        return None
    areas, domains = _columns(new.scope)
    yield (
        (
            "update app_user set display_name = %s, role = %s, areas = %s, domains = %s"
            " where username = %s"
        ),
        (new.display_name, new.role, areas, domains, new.username),
    )
    to = (new.display_name, new.role, areas, domains)
    changes = list(zip(_CHANGEABLE, before[0], to, strict=True))
    detail = {
        "from": {name: old for name, old, new_one in changes if old != new_one},
        "to": {name: new_one for name, old, new_one in changes if old != new_one},
    }
    yield from recording(by.entry("user.change", new.username, **detail))
    return True


def reset_password(username: str, password_hash: str, by: By) -> Script[bool | None]:
    """Give a one-time password, open the account, end its sessions, forget its second factor."""
    rows = yield (
        (
            "update app_user set password_hash = %s, must_change = true, failed_logins = 0,"
            " locked_until = null, totp_secret = null, totp_confirmed_at = null where username = %s"
            " and subject is null returning id"
        ),
        (password_hash, username),
    )
    if not rows:
        return None
    yield "delete from recovery_code where user_id = %s", (rows[0][0],)
    yield "delete from session where user_id = %s", (rows[0][0],)
    yield from recording(by.entry("user.reset", username))
    return True


def shut(username: str, by: By) -> Script[bool | None]:
    """Shut an account and end its sessions."""
    rows = yield (
        "update app_user set disabled = true where username = %s returning id",
        (username,),
    )
    if not rows:
        return None
    yield "delete from session where user_id = %s", (rows[0][0],)
    yield from recording(by.entry("user.lock", username))
    return True


def unlock(username: str, by: By) -> Script[bool | None]:
    """Open an account that was shut, by somebody or by wrong passwords."""
    rows = yield (
        (
            "update app_user set disabled = false, failed_logins = 0, locked_until = null"
            " where username = %s returning id"
        ),
        (username,),
    )
    if not rows:
        return None
    yield from recording(by.entry("user.unlock", username))
    return True


# ---------------------------------------------------------------- sessions


def sessions_of(username: str, here: bytes) -> Script[list[SessionRow]]:
    """Return the open sessions of an account, the newest first; `here` is the asker's digest."""
    rows = yield (
        (
            "select s.number, u.username, s.created_at, s.active_at, s.expires_at, s.address,"
            " s.agent, s.id_hash = %s from session s join app_user u on u.id = s.user_id"
            " where u.username = %s and s.expires_at > now() and s.stage = 'open'"
            " order by s.created_at desc limit 200"
        ),
        (here, username),
    )
    return [SessionRow(*row) for row in rows]


def end_session(username: str, number: int, by: By) -> Script[bool | None]:
    """End one session of an account."""
    rows = yield (
        (
            "delete from session s using app_user u where u.id = s.user_id and u.username = %s"
            " and s.number = %s returning s.number"
        ),
        (username, number),
    )
    if not rows:
        return None
    yield from recording(by.entry("session.revoke", username, number=number))
    return True


def end_sessions(username: str, by: By, *, but: bytes = b"") -> Script[int | None]:
    """End every session of an account, except the one whose digest is `but`; return how many."""
    rows = yield "select id from app_user where username = %s", (username,)
    if not rows:
        return None
    gone = yield (
        "delete from session where user_id = %s and id_hash <> %s returning number",
        (rows[0][0], but),
    )
    yield from recording(by.entry("session.revoke_all", username, ended=len(gone)))
    return len(gone)


# ---------------------------------------------------------------- tokens


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token may do and until when; `source` for the role source alone."""

    kind: str
    role: str
    label: str
    source: str | None = None
    expires_at: datetime | None = None
    scope: Scope = EVERYTHING


def tokens() -> Script[list[TokenRow]]:
    """Return every token, the newest first, ended ones too."""
    rows = yield (
        (
            "select id, kind, role, label, source, areas, domains, created_at, created_by,"
            " expires_at, revoked_at from token order by id desc limit %s"
        ),
        (MOST_LISTED,),
    )
    return [TokenRow(*row) for row in rows]


def create_token(new: NewToken, token_hash: bytes, by: By) -> Script[int]:
    """Add a token; return its id."""
    areas, domains = _columns(new.scope)
    rows = yield (
        (
            "insert into token (token_hash, kind, role, label, source, expires_at, areas, domains,"
            " created_by) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning id"
        ),
        (
            token_hash,
            new.kind,
            new.role,
            new.label,
            new.source,
            new.expires_at,
            areas,
            domains,
            by.actor,
        ),
    )
    detail: dict[str, Any] = {"kind": new.kind, "role": new.role}
    if new.source:
        detail["source"] = new.source
    if not new.scope.whole:
        detail |= {"areas": areas, "domains": domains}
    yield from recording(by.entry("token.create", new.label, **detail))
    return int(rows[0][0])


def revoke_token(number: int, by: By) -> Script[bool | None]:
    """Make a token useless."""
    rows = yield (
        "update token set revoked_at = now() where id = %s and revoked_at is null returning id",
        (number,),
    )
    if not rows:
        return None
    yield from recording(by.entry("token.revoke", str(number)))
    return True


def _columns(scope: Scope) -> tuple[Sequence[str] | None, Sequence[str] | None]:
    areas = None if scope.areas is None else sorted(scope.areas)
    return areas, None if scope.domains is None else sorted(scope.domains)


# ---------------------------------------------------------------- the province's sign-on


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody whom the sign-on vouches for; `password_hash` is of a password nobody knows."""

    subject: str  # issuer and sub: what an account belongs to, whatever it is called
    username: str
    display_name: str
    role: str
    password_hash: str
    address: str | None = None


def arrive(who: Arrival) -> Script[tuple[int, str] | None]:
    """Return (id, name) of the account of a subject, made or brought up to date; None: shut.

    A name that somebody else has is not taken over: the newcomer's gets a number behind it.
    """
    by = By("sign-on", who.address)
    rows = yield (
        "select id, username, role, disabled from app_user where subject = %s for update",
        (who.subject,),
    )
    if not rows:
        return (yield from _newcomer(who, by))
    number, name, role, disabled = rows[0]
    if disabled:
        return None
    yield (
        "update app_user set display_name = %s, role = %s where id = %s",
        (who.display_name, who.role, number),
    )
    if role != who.role:
        moved = {"from": {"role": role}, "to": {"role": who.role}}
        yield from recording(by.entry("user.change", name, **moved))
    return number, name


def _newcomer(who: Arrival, by: By) -> Script[tuple[int, str]]:
    tried, name = 1, who.username
    while True:
        rows = yield (
            (
                "insert into app_user (username, display_name, role, password_hash, subject)"
                " values (%s, %s, %s, %s, %s) on conflict (username) do nothing returning id"
            ),
            (name, who.display_name, who.role, who.password_hash, who.subject),
        )
        if rows:
            yield from recording(by.entry("user.create", name, to={"role": who.role}))
            return int(rows[0][0]), name
        tried += 1
        name = f"{who.username}-{tried}"
