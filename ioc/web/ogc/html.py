"""The same documents for a person: plain pages with links, a table of features, no script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from html import escape
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson
import shapely

from ioc.settings import Province
from ioc.text import DEFAULT, say, words
from ioc.web.ogc.collections import THINGS, Described
from ioc.web.ogc.documents import CONFORMANCE, Link
from ioc.web.ogc.systems import Systems
from ioc.web.queries.features_wanted import Item, Page, Wanted

_ROWS: Final = 200  # a person reads no more on one page
_COLUMNS: Final = 14
_TIME: Final = "%H:%M:%S %d/%m/%Y"


class Paper:
    """Pages in the look of the product."""

    def __init__(self, province: Province, sheets: list[str]) -> None:
        self._province = province
        self._links = "".join(f'<link rel="stylesheet" href="{escape(one)}">' for one in sheets)

    def page(
        self,
        root: str,
        title: str,
        body: str,
        links: Iterable[Link] = (),
        above: Described | None = None,
    ) -> str:
        """Return a whole page; `links` lead to its other form, `above` is what it belongs to."""
        other = next((one["href"] for one in links if one["rel"] == "alternate"), "")
        crumbs = (
            _a(root, say("ogc.short"))
            + " / "
            + _a(f"{root}/collections?f=html", say("ogc.link.collections"))
        )
        if above is not None:
            crumbs += " / " + _a(f"{root}/collections/{above.name}?f=html", above.title)
        return _PAGE.format(
            title=escape(title),
            province=escape(self._province.name),
            centre=escape(self._province.title_vi),
            links=self._links,
            crumbs=crumbs,
            body=body,
            other=_a(other, "JSON", "btn") if other else "",
        )


def landing(root: str) -> str:
    rows = [
        (f"{root}/collections?f=html", say("ogc.link.collections"), say("ogc.say.collections")),
        (f"{root}/api?f=html", say("ogc.link.api"), say("ogc.say.api")),
        (f"{root}/conformance?f=html", say("ogc.link.conformance"), say("ogc.say.conformance")),
    ]
    listed = "".join(f"<li>{_a(href, text)}<p>{escape(more)}</p></li>" for href, text, more in rows)
    how = f"<h2>{escape(say('ogc.how'))}</h2><p>{escape(say('ogc.how_say'))}</p>"
    return (
        f"<p>{escape(say('ogc.description'))}</p><ul class=ogc-list>{listed}</ul>{how}"
        f"<pre>{escape(root)}</pre><pre>Authorization: Bearer …</pre>"
    )


def conformance() -> str:
    return "<ul>" + "".join(f"<li><code>{escape(one)}</code></li>" for one in CONFORMANCE) + "</ul>"


def collections(root: str, found: list[Described]) -> str:
    if not found:
        return f"<p class=state>{escape(say('ogc.empty'))}</p>"
    rows = [
        f"<tr><td>{_a(f'{root}/collections/{one.name}?f=html', one.title)}</td>"
        f"<td><code>{escape(one.name)}</code></td><td class=n>{_number(one.of.features)}</td>"
        f"<td>{escape(one.description)}</td></tr>"
        for one in found
    ]
    return _table(("title", "name", "count", "about"), rows)


def collection(root: str, one: Described, systems: Systems) -> str:
    own = f"{root}/collections/{one.name}"
    rows = [
        f"<tr><td><code>{escape(told.name)}</code></td><td>{escape(told.title)}</td>"
        f"<td>{escape(', '.join(told.choices))}</td></tr>"
        for told in one.queryables
    ]
    served = "".join(
        f"<li>{escape(told.title)} <code>{escape(told.uri)}</code></li>" for told in systems.all
    )
    see = say("ogc.see_items", count=_number(one.of.features))
    asked = _table(("name", "meaning", "choices"), rows)
    return (
        f"<p>{escape(one.description)}</p>"
        f"<p>{_a(f'{own}/items?f=html', see, 'btn p')}</p>"
        f"<h2>{escape(say('ogc.link.queryables'))}</h2>{asked}"
        f"<h2>{escape(say('ogc.systems'))}</h2><ul>{served}</ul>"
    )


def items(root: str, one: Described, page: Page, links: list[Link], zone: str) -> str:
    """Return a table of the page's features, its columns those that any of them has."""
    if not page.items:
        return f"<p class=state>{escape(say('ogc.no_items'))}</p>"
    shown = [orjson.loads(item.properties) for item in page.items]
    filled = (name for own in shown for name, value in own.items() if value not in (None, "", []))
    names = tuple(dict.fromkeys(filled))[:_COLUMNS]
    head = "".join(f"<th>{escape(_title(one, name))}</th>" for name in names)
    own = f"{root}/collections/{one.name}/items"
    rows = "".join(
        _row(own, item, values, names, zone) for item, values in zip(page.items, shown, strict=True)
    )
    after = next((told["href"] for told in links if told["rel"] == "next"), "")
    more = f"<p>{_a(after, say('ogc.link.next'), 'btn')}</p>" if after else ""
    counted = say("ogc.counted", shown=_number(len(page.items)), matched=_number(page.matched))
    table = f"<thead><tr><th>{escape(say('ogc.head.key'))}</th>{head}</tr></thead>"
    return (
        f"<p>{escape(counted)}</p>"
        f"<div class=ogc-wide><table>{table}<tbody>{rows}</tbody></table></div>{more}"
    )


def item(one: Described, found: Item, zone: str) -> str:
    """Return what is known of one feature, and the way to its place on the map."""
    values = orjson.loads(found.properties)
    rows = [
        f"<tr><th>{escape(_title(one, name))}</th><td>{_cell(name, value, zone)}</td></tr>"
        for name, value in values.items()
        if value not in (None, "", [])
    ]
    lon, lat = shapely.from_wkb(found.shape).representative_point().coords[0]
    address = f"/map#map=13/{lat:.4f}/{lon:.4f}"
    if one.name == THINGS:
        layer = "bts" if values.get("kind") == "bts" else THINGS
        address += f"&pick={layer}:{found.id}"
    elif one.of.imported and one.name != "bts":  # the map draws those as the things they are
        address += f"&on={one.name}&pick={one.name}:{quote(found.id, safe='')}"
    return (
        f"<p>{_a(address, say('ogc.on_map'), 'btn p')}</p>"
        f"<div class=ogc-wide><table class=one><tbody>{''.join(rows)}</tbody></table></div>"
    )


def name_of(found: Item) -> str:
    """Return what people call a feature."""
    values = orjson.loads(found.properties)
    return str(values.get("name") or values.get("code") or found.id)


def description(document: dict[str, Any]) -> str:
    """Return the paths of the API with what each takes."""
    parts = []
    for path, told in document["paths"].items():
        asked = [one["name"] for one in told["get"]["parameters"] if "name" in one]
        parts.append(
            f"<tr><td><code>{escape(path)}</code></td><td>{escape(told['get']['summary'])}</td>"
            f"<td>{escape(', '.join(asked))}</td></tr>"
        )
    return _table(("path", "about", "filters"), parts)


def shortened(wanted: Wanted) -> Wanted:
    """Return the question with a page that a person reads."""
    return replace(wanted, limit=min(wanted.limit, _ROWS))


def _row(own: str, item: Item, values: dict[str, Any], names: tuple[str, ...], zone: str) -> str:
    cells = "".join(f"<td>{_cell(name, values.get(name), zone)}</td>" for name in names)
    key = quote(item.id, safe="")
    return f"<tr><td>{_a(f'{own}/{key}?f=html', item.id)}</td>{cells}</tr>"


def _title(one: Described, name: str) -> str:
    titles = {told.name: told.title for told in one.queryables}
    return titles.get(name) or words(DEFAULT).get(f"ogc.field.{name}", name)


def _cell(name: str, value: object, zone: str) -> str:
    """Return a value as a person reads it: words for what programs write in words of their own."""
    if name == "observations" and isinstance(value, list):
        return "".join(f"<div>{escape(measured(one))}</div>" for one in value)
    if name == "phenomenon_time" and isinstance(value, str):
        return escape(datetime.fromisoformat(value).astimezone(ZoneInfo(zone)).strftime(_TIME))
    if name in {"kind", "commune_how"}:
        key = f"alerts.thing_kind.{value}" if name == "kind" else f"ogc.commune_how.{value}"
        return escape(words(DEFAULT).get(key, _text(value)))
    return escape(_text(value))


def measured(one: dict[str, Any]) -> str:
    """Return a newest value as a sentence: name, value with unit, and doubt where there is any."""
    result = one["result"]
    if result is None:
        return say("ogc.no_value", name=one["name"])
    quality = "" if one["quality"] == "good" else f" ({say('ogc.quality.' + one['quality'])})"
    return f"{one['name']}: {_text(result)}\u00a0{one['unit']}".strip() + quality


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return say("map.yes") if value else say("map.no")
    if isinstance(value, int | float):
        whole, _, rest = f"{value:,.10g}".partition(".")
        return whole.replace(",", ".") + ("," + rest if rest else "")
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _number(count: int) -> str:
    return f"{count:,}".replace(",", ".")


def _a(href: str, text: str, kind: str = "") -> str:
    told = f' class="{kind}"' if kind else ""
    return f'<a href="{escape(href)}"{told}>{escape(text)}</a>'


def _table(heads: tuple[str, ...], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{escape(say(f'ogc.head.{name}'))}</th>" for name in heads)
    table = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f"<div class=ogc-wide><table>{table}</table></div>"


_PAGE: Final = """<!doctype html>
<html lang="vi" data-room="lit"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} – {centre} {province}</title>{links}</head>
<body class="ogc"><header><nav>{crumbs}</nav>{other}</header>
<main><h1>{title}</h1>{body}</main></body></html>
"""
