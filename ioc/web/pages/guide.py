"""`/help`: the guides with contents, search and print; made of components, so no text is markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dash import html
from markdown_it.tree import SyntaxTreeNode

from ioc import help as handbook
from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages import desk
from ioc.web.pages.desk import part

_TAGS: Final[Mapping[str, Callable[..., Any]]] = {
    "paragraph": html.P,
    "bullet_list": html.Ul,
    "ordered_list": html.Ol,
    "list_item": html.Li,
    "strong": html.Strong,
    "em": html.Em,
    "inline": html.Span,
}


def anchor(name: str) -> str:
    """Return the id of a part on the page; the bare name may be an element of another page."""
    return f"guide-{name}"


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page; the gate has asked for a person."""
    attributes: dict[str, Any] = {
        "data-desk": "help",
        "data-language": "vi",
        "data-zone": settings.province.zone,
    }
    return html.Div(
        [
            desk.banner(),
            desk.top(settings, "/help"),
            html.Main([_contents(), _guides()], className="help-page"),
        ],
        className="desk",
        **attributes,
    )


def _contents() -> Any:  # noqa: ANN401
    named: dict[str, Any] = {"aria-label": say("help.contents")}
    groups = [
        html.Details(
            [
                html.Summary(guide.title),
                html.Ul([_way(one) for one in guide.parts]),
            ],
            open=True,
        )
        for guide in handbook.guides()
    ]
    tools = html.Div(className="help-tools", **part("tools"))
    return html.Nav([tools, *groups], className="help-contents", **named)


def _way(one: handbook.Part) -> Any:  # noqa: ANN401
    return html.Li(html.A(one.title, href=f"#{anchor(one.name)}"))


def _guides() -> Any:  # noqa: ANN401
    found: list[Any] = [html.H1(say("help.title"))]
    for guide in handbook.guides():
        found.append(html.H2(guide.title, className="help-guide"))
        found += [
            html.Section(
                [html.H3(one.title), *(drawn(block) for block in one.body)],
                id=anchor(one.name),
                className="help-part",
            )
            for one in guide.parts
        ]
    found.append(html.P(say("help.none"), className="help-none", hidden=True, **part("none")))
    # a box that scrolls is reached by keyboard, too
    return html.Article(found, className="help-text", tabIndex=0)


def drawn(node: SyntaxTreeNode) -> Any:  # noqa: ANN401
    """Return a block or a word of a guide as a component."""
    match node.type:
        case "text":
            return node.content
        case "softbreak":
            return " "
        case "code_inline" | "code_block" | "fence":
            return html.Code(node.content)
        case "link":
            return html.A(_inside(node), href=str(node.attrs.get("href", "")))
        case kind if kind in _TAGS:
            return _TAGS[kind](_inside(node))
        case _:
            return html.Div(_inside(node))


def _inside(node: SyntaxTreeNode) -> list[Any]:
    return [drawn(child) for child in node.children]
