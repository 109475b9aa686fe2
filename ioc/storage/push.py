"""Browsers that asked for web push, as scripts for the web; `owner` is a person's username."""

from __future__ import annotations

from typing import Final

from ioc.storage.notifications import Subscription
from ioc.storage.script import Script

MOST: Final = 10  # browsers of one person; the oldest gives way, as one that was lost would have


def subscribe(owner: str, browser: Subscription) -> Script[int]:
    """Keep a browser's subscription; the same endpoint again replaces its keys and owner."""
    rows = yield (
        (
            "insert into push_subscription (owner, endpoint, p256dh, auth) values (%s, %s, %s, %s)"
            " on conflict (endpoint) do update set owner = excluded.owner,"
            " p256dh = excluded.p256dh, auth = excluded.auth returning id"
        ),
        (owner, *browser),
    )
    yield (
        (
            "delete from push_subscription where owner = %s and id not in (select id"
            " from push_subscription where owner = %s order by id desc limit %s)"
        ),
        (owner, owner, MOST),
    )
    return int(rows[0][0])


def unsubscribe(owner: str, endpoint: str) -> Script[bool]:
    """Forget a person's browser; False when there was none."""
    rows = yield (
        "delete from push_subscription where owner = %s and endpoint = %s returning id",
        (owner, endpoint),
    )
    return bool(rows)


def public_key() -> Script[str | None]:
    """Return the key that browsers subscribe to; None while there is no web push channel."""
    rows = yield "select public_key from push_key", ()
    return rows[0][0] if rows else None


def put_public_key(key: str | None) -> Script[None]:
    """Keep the dispatcher's key; None: it has no such channel any more."""
    if key is None:
        yield "delete from push_key", ()
        return
    yield (
        (
            "insert into push_key (public_key) values (%s) on conflict (one) do update"
            " set public_key = excluded.public_key, updated_at = now()"
            " where push_key.public_key <> excluded.public_key"
        ),
        (key,),
    )


def is_told(owner: str) -> Script[bool]:
    """Tell whether the plan in force has a web push target of this person."""
    rows = yield (
        (
            "select exists (select 1 from (select definition from notify_plan"
            " order by version desc limit 1) p, jsonb_array_elements(p.definition -> 'targets') t"
            " where t ->> 'channel' = 'webpush' and t ->> 'address' = %s)"
        ),
        (owner,),
    )
    return bool(rows[0][0])
