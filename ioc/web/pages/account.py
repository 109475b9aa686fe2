"""One's own account: password, second factor, sessions. Plain HTML, like the login page."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from ioc.settings import Province
from ioc.text import say
from ioc.web.identity import Identity
from ioc.web.own_account import SessionRow
from ioc.web.pages.login import frame, said


def overview(province: Province, who: Identity, rows: list[SessionRow], sheets: list[str]) -> str:
    """Return who one is here, where one is logged in, and the ways to change both."""
    zone = ZoneInfo(province.zone)
    sessions = "".join(_session(row, zone) for row in rows)
    body = _OVERVIEW.format(
        who=escape(f"{who.display_name} ({who.actor}) · {say(f'role.{who.role}')}"),
        password=escape(say("account.password")),
        factor=escape(say("account.second_factor")),
        factor_state=escape(
            say("account.factor_on" if who.second_factor else "account.factor_off")
        ),
        sessions_word=escape(say("account.sessions")),
        sessions=sessions,
        others=escape(say("account.end_others")),
        logout=escape(say("account.logout")),
        back=escape(say("account.back")),
    )
    return frame(province, sheets, say("account.title"), body)


def password_page(province: Province, sheets: list[str], *, forced: bool, error: str = "") -> str:
    """Return the form of a new password; `forced`: nothing else is open before."""
    body = _NEW_FORM.format(
        why=f"<p>{escape(say('account.forced'))}</p>" if forced else "",
        old=escape(say("account.old")),
        new=escape(say("account.new")),
        again=escape(say("account.again")),
        rules=escape(say("account.rules")),
        submit=escape(say("account.save")),
        error=said(error),
        way=_way(forced=forced),
    )
    return frame(province, sheets, say("account.password"), body)


def factor_page(
    province: Province, sheets: list[str], *, secret: str, picture: str, error: str = ""
) -> str:
    """Return the page that shows a secret and asks for its first code."""
    body = _FACTOR.format(
        why=escape(say("account.factor_why")),
        picture=picture,
        by_hand=escape(say("account.factor_by_hand")),
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        code=escape(say("login.code")),
        submit=escape(say("account.factor_confirm")),
        error=said(error),
        way=_way(forced=False),
    )
    return frame(province, sheets, say("account.second_factor"), body)


def codes_page(province: Province, sheets: list[str], codes: list[str]) -> str:
    """Return the recovery codes, the only time they are shown."""
    shown = "".join(f"<li><code>{escape(code)}</code></li>" for code in codes)
    body = _CODES.format(
        why=escape(say("account.codes_why")), codes=shown, go=escape(say("account.codes_kept"))
    )
    return frame(province, sheets, say("account.codes"), body)


def factor_set_page(province: Province, sheets: list[str]) -> str:
    """Return the page of somebody whose second factor counts already."""
    body = f"<p>{escape(say('account.factor_set'))}</p>{_way(forced=False)}"
    return frame(province, sheets, say("account.second_factor"), body)


def _session(row: SessionRow, zone: ZoneInfo) -> str:
    where = row.address or say("account.nowhere")
    shown = f"{where} · {say('account.here')}" if row.here else where
    times = say(
        "account.times", begun=_moment(row.created_at, zone), active=_moment(row.active_at, zone)
    )
    button = "" if row.here else _END.format(number=row.number, word=escape(say("account.end")))
    return (
        f"<li><span>{escape(shown)}<small>{escape(times)}</small>"
        f"<small>{escape(row.agent[:80])}</small></span>{button}</li>"
    )


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M %d/%m/%Y}"


def _way(*, forced: bool) -> str:
    if forced:
        return _LEAVE.format(word=escape(say("account.logout")))
    return f'<p class="login-ways"><a href="/account">{escape(say("account.title"))}</a></p>'


_LEAVE: Final = (
    '<form method="post" action="/logout" style="margin-top:24px"><button>{word}</button></form>'
)
_END: Final = (
    '<form method="post" action="/account/sessions"><input type="hidden" name="number"'
    ' value="{number}"><button>{word}</button></form>'
)
_OVERVIEW: Final = """<p>{who}</p>
<p class="login-ways"><a href="/account/password">{password}</a>
<a href="/account/second-factor">{factor}: {factor_state}</a></p>
<h2>{sessions_word}</h2><ul>{sessions}</ul>
<form method="post" action="/account/sessions"><button>{others}</button></form>
<form method="post" action="/logout" style="margin-top:16px"><button>{logout}</button></form>
<p class="login-ways"><a href="/">{back}</a></p>"""
_NEW_FORM: Final = """{why}<form method="post" action="/account/password">
<div><label for="old">{old}</label><input id="old" name="old" type="password" maxlength="1024"
 autocomplete="current-password" required autofocus></div>
<div><label for="new">{new}</label><input id="new" name="new" type="password" maxlength="1024"
 autocomplete="new-password" required aria-describedby="rules error">
<p class="login-help" id="rules">{rules}</p></div>
<div><label for="again">{again}</label><input id="again" name="again" type="password"
 maxlength="1024" autocomplete="new-password" required>{error}</div>
<button class="main">{submit}</button></form>{way}"""
_FACTOR: Final = """<p>{why}</p><div class="login-qr">{picture}</div>
<p>{by_hand}<br><code>{secret}</code></p>
<form method="post" action="/account/second-factor"><div><label for="code">{code}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="8"
 required>{error}</div><button class="main">{submit}</button></form>{way}"""
_CODES: Final = """<p>{why}</p><ul class="codes">{codes}</ul>
<p class="login-ways"><a href="/account">{go}</a></p>"""
