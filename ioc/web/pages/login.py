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


def style_sheets(assets: Path) -> list[str]:
    """Return the addresses of our style sheets, in the order Dash loads them."""
    return [f"/assets/{p.name}?m={p.stat().st_mtime:.0f}" for p in sorted(assets.glob("*.css"))]


def page(province: Province, form: Form, sheets: list[str]) -> str:
    """Return the page as HTML."""
    words = {f"{name}_word": escape(say(f"login.{name}")) for name in _WORDS}
    links = "".join(f'<link rel="stylesheet" href="{escape(sheet)}">' for sheet in sheets)
    invalid = ' aria-invalid="true" aria-describedby="error"' if form.error else ""
    return _PAGE.format(
        **words,
        links=links,
        style=_STYLE,
        province=escape(province.name),
        centre=escape(province.title_vi),
        target=escape(quote(form.next, safe="")),
        username=escape(form.username, quote=True),
        focus_name="" if form.username else " autofocus",
        focus_password=" autofocus" if form.username else "",
        invalid=invalid,
        error=_ERROR.format(icon=_ICON, text=escape(form.error)) if form.error else "",
    )


_WORDS: Final = ("title", "username", "password", "submit", "help")

_ICON: Final = (
    '<svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
    ' stroke-width="2" aria-hidden="true"><path d="M12 3 2 21h20L12 3Zm0 7v5m0 2.5v.5"/></svg>'
)
_ERROR: Final = '<p class="login-error" id="error" role="alert">{icon}<span>{text}</span></p>'

# Names of the tokens are those of the product's style sheets; the values after the commas keep the
# door usable when a sheet is missing.
_STYLE: Final = """
.login{margin:0;min-height:100vh;display:flex;background:var(--bg0,#14181C);color:var(--fg2,#C6CED6);
 font:400 15px/1.45 var(--font,system-ui,sans-serif)}
.login *{box-sizing:border-box}
.login-who{flex:1;padding:40px 48px;font-size:20px;line-height:1.4}
.login-who b{display:block;font-size:32px;font-weight:600;color:var(--fg1,#F2F5F7)}
.login-door{width:min(520px,100%);background:var(--bg1,#1E2328);padding:40px 56px;display:flex;
 border-left:1px solid var(--line,#454E57);flex-direction:column;justify-content:center}
.login-door h1{margin:0 0 24px;font-size:28px;line-height:1.3;font-weight:600;
 color:var(--fg1,#F2F5F7)}
.login-door form{display:flex;flex-direction:column;gap:16px;margin:0}
.login-door label{display:block;font-size:14px;margin-bottom:5px}
.login-door input{width:100%;min-height:48px;padding:0 11px;font:inherit;font-size:16px;
 color:var(--fg1,#F2F5F7);background:transparent;border:1px solid var(--ctl,#808B96);
 border-radius:4px}
.login-door input[aria-invalid]{border-width:2px;border-color:var(--fg1,#F2F5F7)}
.login-door button{min-height:44px;font:inherit;font-weight:600;border:0;border-radius:4px;
 background:var(--inv-bg,#F2F5F7);color:var(--inv-fg,#14181C);cursor:pointer}
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
<title>{title_word} – {centre} {province}</title>{links}<style>{style}</style></head>
<body class="login"><header class="login-who"><b>{province}</b>{centre}</header>
<main class="login-door"><h1>{title_word}</h1>
<form method="post" action="/login?next={target}">
<div><label for="username">{username_word}</label>
<input id="username" name="username" value="{username}" autocomplete="username" maxlength="64"
 autocapitalize="none" spellcheck="false" required{focus_name}></div>
<div><label for="password">{password_word}</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="1024" required{focus_password}{invalid}>{error}</div>
<button>{submit_word}</button></form><p class="login-help">{help_word}</p></main></body></html>
"""
