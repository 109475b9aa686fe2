"""Random accounts and a kiosk token for a demonstration; kept so that the next start prints them.

They exist only where `ioc up --demo` was asked for, in `.ioc/demo-accounts.json` (mode 0600).
"""

from __future__ import annotations

from typing import Final

import msgspec

from ioc.domain.credential import one_time_password
from ioc.settings import Settings
from ioc.storage import pool, users

_ROLES: Final = {"admin": "admin", "truc-ban": "operator", "lanh-dao": "leader"}


class Account(msgspec.Struct, frozen=True):
    username: str
    role: str
    password: str


class DemoAccounts(msgspec.Struct, frozen=True):
    users: list[Account]
    kiosk_token: str


def ensure(settings: Settings) -> DemoAccounts:
    """Return the demo's accounts, made anew unless file and database agree on them."""
    path = settings.data_dir / "demo-accounts.json"
    with pool.connect_or_refuse(settings.database_url, name="demo_accounts") as conn:
        if path.is_file():
            kept = msgspec.json.decode(path.read_bytes(), type=DemoAccounts)
            if users.token_role(conn, kept.kiosk_token) is not None:
                return kept
        made = DemoAccounts(
            [Account(name, role, one_time_password()) for name, role in _ROLES.items()],
            "",
        )
        for account in made.users:
            users.put_user(
                conn,
                username=account.username,
                display_name=account.username,
                role=account.role,
                password=account.password,
            )
        token = users.create_token(conn, kind="kiosk", role="kiosk", label="demo wall")
    made = msgspec.structs.replace(made, kiosk_token=token)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(made))
    return made
