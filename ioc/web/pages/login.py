"""The login page: plain HTML that works without scripts, in the look of the other pages."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ioc.settings import Province
from ioc.text import say


@dataclass(frozen=True, slots=True)
class Form:
    """What the page shows again after a refusal; `error` is in the user's words."""

    next: str = "/"
    username: str = ""
    error: str = ""
    sign_on: str = ""  # what the button of the province's sign-on says; "": there is none


def style_sheets(assets: Path) -> list[str]:
    """Return the addresses of our style sheets, in the order Dash loads them."""
    return [f"/assets/{p.name}?m={p.stat().st_mtime:.0f}" for p in sorted(assets.glob("*.css"))]


def page(province: Province, form: Form, sheets: list[str]) -> str:
    """Return the page of name and password as HTML."""
    words = {f"{name}_word": escape(say(f"login.{name}")) for name in _WORDS}
    target = escape(quote(form.next, safe=""))
    body = _FORM.format(
        **words,
        sign_on=_SIGN_ON.format(target=target, title=escape(form.sign_on), **words)
        if form.sign_on
        else "",
        main="" if form.sign_on else ' class="main"',
        target=target,
        username=escape(form.username, quote=True),
        focus_name="" if form.username else " autofocus",
        focus_password=" autofocus" if form.username else "",
        invalid=_INVALID if form.error else "",
        error=said(form.error),
    )
    return frame(province, sheets, say("login.title"), body)


def second_page(province: Province, form: Form, sheets: list[str]) -> str:
    """Return the page of the second factor's code."""
    body = _SECOND.format(
        target=escape(quote(form.next, safe="")),
        code=escape(say("login.code")),
        submit=escape(say("login.submit")),
        help=escape(say("login.code_help")),
        invalid=_INVALID if form.error else "",
        error=said(form.error),
    )
    return frame(province, sheets, say("login.second"), body)


def frame(province: Province, sheets: list[str], title: str, body: str) -> str:
    """Return a page of the door around `body`, which is HTML already."""
    links = "".join(f'<link rel="stylesheet" href="{escape(sheet)}">' for sheet in sheets)
    return _PAGE.format(
        links=links,
        style=_STYLE,
        province=escape(province.name),
        centre=escape(province.title_vi),
        title=escape(title),
        body=body,
    )


def said(error: str, key: str = "error") -> str:
    """Return what went wrong as HTML; "" where nothing did."""
    return _ERROR.format(icon=_ICON, text=escape(error), key=key) if error else ""


_WORDS: Final = ("username", "password", "submit", "help", "or_own")
_INVALID: Final = ' aria-invalid="true" aria-describedby="error"'

_ICON: Final = (
    '<svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
    ' stroke-width="2" aria-hidden="true"><path d="M12 3 2 21h20L12 3Zm0 7v5m0 2.5v.5"/></svg>'
)
_ERROR: Final = '<p class="login-error" id="{key}" role="alert">{icon}<span>{text}</span></p>'

# Names of the tokens are those of the product's style sheets; the values after the commas keep the
# door usable when a sheet is missing.
_STYLE: Final = """
.login{margin:0;min-height:100vh;display:flex;background:var(--bg0,#14181C);color:var(--fg2,#C6CED6);
 font:400 15px/1.45 var(--font,system-ui,sans-serif)}
.login *{box-sizing:border-box}
.login-who{flex:1;padding:40px 48px;font-size:20px;line-height:1.4}
.login-who b{display:block;font-size:32px;font-weight:600;color:var(--fg1,#F2F5F7)}
.login-door{width:min(520px,100%);background:var(--bg1,#1E2328);padding:40px 56px;display:flex;
 border-left:1px solid var(--line,#454E57);flex-direction:column;justify-content:safe center}
.login-door h1{margin:0 0 24px;font-size:28px;line-height:1.3;font-weight:600;
 color:var(--fg1,#F2F5F7)}
.login-door form{display:flex;flex-direction:column;gap:16px;margin:0}
.login-door label{display:block;font-size:14px;margin-bottom:5px}
.login-door input{width:100%;min-height:48px;padding:0 11px;font:inherit;font-size:16px;
 color:var(--fg1,#F2F5F7);background:transparent;border:1px solid var(--ctl,#808B96);
 border-radius:4px}
.login-door input[aria-invalid]{border-width:2px;border-color:var(--fg1,#F2F5F7)}
.login-door button,.login-door .go{min-height:44px;font:inherit;font-weight:600;padding:0 16px;
 border:1px solid var(--ctl,#808B96);border-radius:4px;background:transparent;
 color:var(--fg1,#F2F5F7);cursor:pointer;display:flex;align-items:center;justify-content:center;
 text-decoration:none}
.login-door .main{background:var(--inv-bg,#F2F5F7);border-color:var(--inv-bg,#F2F5F7);
 color:var(--inv-fg,#14181C)}
.login-or{display:flex;align-items:center;gap:16px;margin:16px 0;font-size:13px}
.login-or::before,.login-or::after{content:"";flex:1;border-top:1px solid var(--line,#454E57)}
.login-door h2{margin:32px 0 12px;font-size:18px;color:var(--fg1,#F2F5F7)}
.login-door p{margin:0 0 16px}
.login-door code{font:600 15px/1.6 var(--font,monospace);color:var(--fg1,#F2F5F7);
 overflow-wrap:anywhere}
.login-door ul{list-style:none;margin:0 0 16px;padding:0}
.login-door li{display:flex;align-items:center;gap:16px;padding:10px 0;font-size:14px;
 border-bottom:1px solid var(--line,#454E57)}
.login-door li>span{flex:1;min-width:0;overflow-wrap:anywhere}
.login-door li small{display:block;font-size:13px}
.login-door .codes{columns:2;font-variant-numeric:tabular-nums}
.login-door .codes li{border:0;padding:2px 0}
.login-qr{align-self:flex-start;background:#fff;border-radius:4px;line-height:0;margin:0 0 16px}
.login-ways{display:flex;gap:8px 24px;flex-wrap:wrap;margin-top:24px;font-size:14px}
.login-ways a{color:inherit;min-height:44px;display:inline-flex;align-items:center}
.login-door :focus-visible{outline:3px solid var(--focus-out,#FFF);outline-offset:2px;
 box-shadow:0 0 0 2px var(--focus-in,#14181C)}
.login-error{display:flex;gap:8px;margin:10px 0 0;font-size:14px;font-weight:600;line-height:1.4;
 color:var(--fg1,#F2F5F7)}
.login-error svg{flex:none;margin-top:1px}
.login-help{margin:16px 0 0;font-size:13px}
@media(max-width:900px){.login{flex-direction:column}.login-who{flex:none;padding:24px}
 .login-door{width:100%;flex:1;border-left:0;padding:24px;justify-content:flex-start}}
"""

_PAGE: Final = """<!doctype html>
<html lang="vi" data-room="dark"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} – {centre} {province}</title>{links}<style>{style}</style></head>
<body class="login"><header class="login-who"><b>{province}</b>{centre}</header>
<main class="login-door"><h1>{title}</h1>{body}</main></body></html>
"""

_SIGN_ON: Final = """<a class="go main" href="/login/sign-on?next={target}">{title}</a>
<p class="login-or">{or_own_word}</p>"""

_FORM: Final = """{sign_on}<form method="post" action="/login?next={target}">
<div><label for="username">{username_word}</label>
<input id="username" name="username" value="{username}" autocomplete="username" maxlength="64"
 autocapitalize="none" spellcheck="false" required{focus_name}></div>
<div><label for="password">{password_word}</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="1024" required{focus_password}{invalid}>{error}</div>
<button{main}>{submit_word}</button></form><p class="login-help">{help_word}</p>"""

_SECOND: Final = """<form method="post" action="/login/second?next={target}">
<div><label for="code">{code}</label>
<input id="code" name="code" autocomplete="one-time-code" maxlength="64" autocapitalize="none"
 spellcheck="false" required autofocus{invalid}>{error}</div>
<button class="main">{submit}</button></form><p class="login-help">{help}</p>"""
