"""The desk's map, in a real browser, from the real web process."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import shapely
from playwright.sync_api import Page, expect

from ioc.domain.layer import Feature, LayerImport, Published
from ioc.storage import layers
from ioc.storage.features import Shelf
from layers import publish
from tests.e2e.conftest import Screen, becomes
from tests.e2e.desk import sit_down
from tests.e2e.province import Province, raise_alert

READY = (
    "window.IOC && window.IOC.map && window.IOC.map.loaded() && window.IOC.store.loaded"
    " && window.IOC.live.layers.points.size === 10"
)
VIEW = "(() => { const c = IOC.map.getCenter(); return [c.lng, c.lat, IOC.map.getZoom()]; })()"
GRID_ROWS = "document.querySelectorAll('.ag-center-cols-container [role=row]').length"


def look(screen: Screen, path: str = "/map") -> Page:
    return sit_down(screen, "truc-ban", path, READY)


def spot(page: Page, index: int, province: Province) -> tuple[float, float]:
    """Return where on the page a thing is drawn."""
    x, y = page.evaluate(
        "id => { const at = IOC.live.layers.points.get(id);"
        " const p = IOC.map.project([at.lon, at.lat]);"
        " const box = IOC.map.getContainer().getBoundingClientRect();"
        " return [p.x + box.x, p.y + box.y]; }",
        province.things[index],
    )
    return float(x), float(y)


def publish_towers(province: Province) -> None:
    """Publish an imported layer of two masts and a cable, as the worker would."""
    features = [
        {
            "type": "Feature",
            "id": 900 + n,
            "geometry": {"type": "Point", "coordinates": [106.9 + n / 10, 11.2]},
            "properties": {"code": f"COT{n}", "name": f"Cột số {n}", "height_m": 40 + n},
        }
        for n in range(2)
    ]
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    layers.put(province.conn, "tower", Published("aa00", body, 2, ""))
    notice = json.dumps({"kind": "layer", "layer": "tower", "version": "aa00"})
    province.client.publish(f"{province.prefix}notice", notice)


@pytest.mark.parametrize("size", [(1440, 900), (1180, 820)])
def test_a_group_is_as_bad_as_its_worst_member(
    screens: Callable[..., Screen], province: Province, size: tuple[int, int]
) -> None:
    """An alert colours its group at once, its end takes that away; zoomed in, each is alone."""
    page = look(screens(*size))
    page.evaluate("IOC.map.jumpTo({center: [107, 11.4], zoom: 5})")
    own = (
        "([...IOC.live.clusters.groups].find(([, g]) => g.members.length > 1"
        f" && g.members.some(([id]) => id === {province.things[2]})) ?? [])"
    )
    becomes(page, f"{own}.length === 2")
    raise_alert(province, 2, severity=2)
    worst = f"IOC.map.getFeatureState({{source: 'clusters', id: {own}[0]}}).w ?? 0"
    becomes(page, f"({worst}) === 2")
    province.conn.execute("update alert set active = false, acked_at = now(), closed_at = now()")
    province.client.publish(f"{province.prefix}notice", json.dumps({"kind": "alert"}))
    becomes(page, f"({worst}) === 0")
    page.evaluate("IOC.map.jumpTo({zoom: 12})")
    becomes(page, "IOC.live.clusters.groups.size === 0")


@pytest.mark.parametrize("size", [(1440, 900), (820, 1180)])
def test_view_and_details_survive_every_update(
    screens: Callable[..., Screen], province: Province, size: tuple[int, int]
) -> None:
    """New values, alerts and layers move neither the map nor what somebody reads."""
    page = look(screens(*size))
    page.evaluate(
        "id => { const at = IOC.live.layers.points.get(id);"
        " IOC.map.jumpTo({center: [at.lon, at.lat], zoom: 12.5}); }",
        province.things[0],
    )
    becomes(page, "IOC.map.loaded()")
    page.mouse.click(*spot(page, 0, province))
    panel = page.locator("[data-part=panel]")
    expect(panel.locator("#panel-body")).to_contain_text("Bụi mịn PM2,5")
    expect(panel.locator("[data-part=more]")).to_contain_text("Gần nhất")
    view = page.evaluate(VIEW)
    province.publish(0, 99.0)
    raise_alert(province, 1, severity=1)
    publish_towers(province)
    becomes(page, "IOC.store.layers.tower === 'aa00' && IOC.store.alerts.total === 1")
    assert page.evaluate(VIEW) == view
    expect(panel).to_be_visible()
    expect(panel.locator("#panel-body")).to_contain_text("Bụi mịn PM2,5")


def test_an_address_shows_the_same_again(
    screens: Callable[..., Screen], province: Province
) -> None:
    """Place, switched layers and what is picked come back with the link alone."""
    publish_towers(province)
    page = look(screens(1440, 900), "/map")
    page.locator("[data-layer='over:tower']").check()
    page.locator("[data-layer='base:communes']").uncheck()
    page.evaluate("id => IOC.detail.pick(id)", province.things[3])
    page.evaluate("IOC.map.jumpTo({center: [106.95, 11.2], zoom: 10.5})")
    becomes(page, "location.hash.includes('pick=') && location.hash.includes('10.50')")
    address = page.evaluate("location.pathname + location.hash")
    other = look(screens(1440, 900), address)
    becomes(other, "Math.abs(IOC.map.getZoom() - 10.5) < 0.01")
    becomes(other, "IOC.live.layers.data.has('tower')")
    expect(other.locator("[data-layer='base:communes']")).not_to_be_checked()
    expect(other.locator("#panel-body")).to_contain_text("Long Khánh 3")


@pytest.mark.parametrize("size", [(1440, 900), (1180, 820)])
def test_search_without_marks_leads_to_the_place(
    screens: Callable[..., Screen], province: Province, size: tuple[int, int]
) -> None:
    """A few letters without marks, Enter: the map is there and the details are open."""
    _place(province)
    page = look(screens(*size))
    if size[0] < 1280:
        page.locator("[data-tool=layers]").click()
    page.locator("[data-part=search] input").fill("kh khi long khanh 4")
    expect(page.locator("[role=option]").first).to_contain_text("phường Long Khánh 4")
    page.keyboard.press("Enter")
    expect(page.locator("#panel-body")).to_contain_text("Long Khánh 4")
    becomes(page, "IOC.map.getZoom() > 12")


@pytest.mark.parametrize("size", [(1440, 900), (820, 1180)])
def test_a_drawn_circle_fills_the_table(
    screens: Callable[..., Screen], province: Province, size: tuple[int, int]
) -> None:
    """Two taps select what lies within; a row leads back to its place."""
    page = look(screens(*size))
    page.evaluate(
        "id => { const at = IOC.live.layers.points.get(id);"
        " IOC.map.jumpTo({center: [at.lon, at.lat], zoom: 12}); }",
        province.things[1],
    )
    x, y = spot(page, 1, province)
    page.locator("[data-tool=radius]").click()
    page.mouse.click(x, y)
    page.mouse.click(x + 60, y)
    expect(page.locator("[data-part=told]")).to_contain_text("1 đối tượng")
    becomes(page, f"{GRID_ROWS} === 1")
    page.locator(".ag-center-cols-container [role=row]").first.click()
    expect(page.locator("#panel-body")).to_contain_text("Long Khánh 1")


def test_the_filter_narrows_map_and_table_alike(
    screens: Callable[..., Screen], province: Province
) -> None:
    """What the filter lets through is what both show; emptied, everything is back."""
    _place(province)
    page = look(screens(1440, 900))
    page.locator("[data-tool=table]").click()
    becomes(page, f"{GRID_ROWS} >= 8")
    page.locator("[data-part=filter] input").fill("bts")
    shown = "[...IOC.live.clusters.groups.values()].reduce((n, g) => n + g.members.length, 0)"
    becomes(page, f"{GRID_ROWS} === 4 && {shown} === 4")
    page.locator("[data-part=filter] input").fill("")
    becomes(page, f"{shown} === 10")


@pytest.mark.parametrize("size", [(1180, 820), (820, 1180), (390, 844)])
def test_fingers_find_their_targets(screens: Callable[..., Screen], size: tuple[int, int]) -> None:
    """On a tablet and a telephone every control of the map is 44 px, and nothing is cut off."""
    page = look(screens(*size))
    small = page.evaluate(
        "[...document.querySelectorAll('.map-tools button, .map-side label, .map-side button')]"
        ".filter(n => n.offsetParent && !n.hidden).map(n => n.getBoundingClientRect())"
        ".filter(b => b.height < 43.5 || b.width < 43.5).length"
    )
    assert small == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_grid_loads_on_its_page_alone(screens: Callable[..., Screen]) -> None:
    """The table's library does not slow the wall."""
    page = look(screens(1440, 900))
    scripts = "[...document.scripts].filter(s => s.src.includes('dash_ag_grid')).length"
    assert page.evaluate(scripts) > 0
    page.goto(page.url.split("/map")[0] + "/wall")
    becomes(page, "window.IOC && window.IOC.store.loaded")
    assert page.evaluate(scripts) == 0


def _place(province: Province) -> None:
    """Give the things their places in the registry, as the published layer has them."""
    for index, thing in enumerate(province.things):
        province.conn.execute(
            "insert into location (thing_id, lon, lat, commune_how, outline)"
            " values (%s, %s, %s, 'none', 'inside')",
            (thing, 106.45 + (index * 0.37 % 1) * 1.08, 10.65 + (index * 0.59 % 1) * 1.53),
        )


def test_a_large_layer_lives_as_a_small_one(
    screens: Callable[..., Screen], province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tiles of the server show the worst state of their things, and the table has their rows."""
    monkeypatch.setattr(publish, "MOST_FEATURES", 2)
    _import_cameras(province, ["x0", "x1", "C2", "C3"])
    raise_alert(province, 1, severity=2)
    page = look(screens(1440, 900), "/map#on=camera")
    state = "IOC.map.getFeatureState({source: 'over-camera', sourceLayer: 'features', id: %d})?.w"
    becomes(page, f"({state % province.things[1]}) === 2")
    groups = "IOC.map.queryRenderedFeatures({layers: ['over-camera-state']})"
    becomes(page, f"{groups}.some((one) => one.state.w === 2)", 60)
    page.locator("[data-tool=table]").click()
    page.locator("[data-part=filter] select").first.select_option("camera")
    becomes(page, f"{GRID_ROWS} === 4")
    page.locator(".ag-center-cols-container [role=row]").first.click()
    expect(page.locator("[data-part=feature]")).to_contain_text("Camera số")
    with page.expect_download() as saved:
        page.locator("[data-tool=export]").select_option("csv")
    assert saved.value.suggested_filename == "camera.csv"


def _import_cameras(province: Province, codes: list[str]) -> None:
    """Import a layer as the worker would; a code that is a thing's is its place."""
    rows = []
    for number, code in enumerate(codes):
        shape = shapely.Point(106.6 + number / 5, 11.0 + number / 5)
        shown = (code, f"Camera số {number}", shapely.to_wkb(shape), shape.bounds)
        rows.append(Feature(*shown, b"{}", None, None, "none", code.encode()))
    shelf = Shelf(province.conn)
    made = publish.features(rows, shelf.things(), (), "camera")
    shelf.commit(LayerImport("camera", 0, tuple(rows), (), made, "an", "", {}, {}))
    notice = json.dumps({"kind": "layer", "layer": "camera", "version": made.version})
    province.client.publish(f"{province.prefix}notice", notice)
