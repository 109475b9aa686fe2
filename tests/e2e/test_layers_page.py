"""The GIS clerk's page, in a real browser, with the real web process and the real worker."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from ioc.settings import Settings
from ioc.storage import users
from layers.__main__ import run
from tests.awaiting import wait_for
from tests.e2e.conftest import Screen, becomes
from tests.e2e.desk import sit_down
from tests.e2e.province import Province
from tests.integration.web_site import PASSWORD, Site, running, settings_for

READY = "window.IOC && !document.querySelector('[data-desk]').hasAttribute('aria-busy')"


@pytest.fixture
def centre(
    province: Province, database_url: str, redis_url: str, redis_prefix: str, tmp_path: Path
) -> Settings:
    """Return settings whose data directory is the test's own."""
    users.put_user(province.conn, username="gis", display_name="gis", role="gis", password=PASSWORD)
    given = settings_for(database_url, redis_url, redis_prefix)
    return msgspec.structs.replace(given, data_dir=tmp_path / "data")


@pytest.fixture
def site(centre: Settings) -> Iterator[Site]:
    """Return the web process on that directory."""
    with running(centre) as served:
        yield served


@pytest.fixture
def worker(centre: Settings) -> Iterator[None]:
    """Run the layers worker until the test ends."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(centre, stop))
    thread.start()
    yield
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def towers(path: Path, number: int = 12) -> Path:
    """Write a file whose columns nobody would guess, with one bad row."""
    rows = ["so hieu,cot,chieu_cao,kinh_do,vi_do"]
    for n in range(number):
        height = "cao lắm" if n == 3 else str(30 + n)
        rows.append(f"C{n:02d},Cột {n},{height},{106.9 + n / 200},{11.0 + n / 300}")
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def send(page: Page, path: Path) -> None:
    page.locator("[data-part=drop] input").set_input_files(path)


def open_page(screen: Screen) -> Page:
    return sit_down(screen, "gis", "/layers", READY)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("size", [(1440, 900), (1180, 820)])
def test_from_a_file_to_a_version_and_back(
    screens: Callable[..., Screen], province: Province, tmp_path: Path, size: tuple[int, int]
) -> None:
    """A clerk corrects what was guessed, sees the difference, says yes, and takes it back."""
    page = open_page(screens(*size))
    send(page, towers(tmp_path / "Trạm thu.csv"))
    review = page.locator("[data-part=review]")
    expect(review).to_contain_text("hãy chọn lớp", timeout=30_000)
    expect(review.locator(".buttons .btn").first).to_be_disabled()
    review.locator("[name=layer]").select_option("tower")
    review.get_by_text("Xem lại với lựa chọn này").click()
    columns = review.locator("[data-column]")
    expect(review).to_contain_text("so hieu", timeout=30_000)
    columns.nth(0).select_option("code")
    columns.nth(1).select_option("name")
    review.get_by_text("Xem lại với lựa chọn này").click()
    expect(review.locator(".diff")).to_contain_text("11", timeout=30_000)
    expect(review.locator(".refused-rows")).to_contain_text("không phải là số")
    becomes(
        page, "IOC.map && IOC.map.getSource('preview') && !document.querySelector('#map').hidden"
    )
    assert imported(province) == []
    review.get_by_text("Đồng ý nhập vào Cột ăng ten").click()
    expect(review).to_contain_text("Đã nhập vào Cột ăng ten", timeout=30_000)
    assert imported(province) == [("tower", "gis", 11)]
    row = page.locator("[data-part=published] tr", has_text="Cột ăng ten")
    expect(row).to_contain_text("Tram_thu.csv")
    row.get_by_text("Hoàn tác").click()
    page.locator("dialog .btn.p").click()
    expect(page.locator("[data-part=published]")).not_to_contain_text("Cột ăng ten")


@pytest.mark.usefixtures("worker")
def test_what_was_not_taken_is_a_file(
    screens: Callable[..., Screen], centre: Settings, tmp_path: Path
) -> None:
    """The rows not taken are there to download; cancelling leaves nothing behind."""
    path = tmp_path / "cot_ang_ten.csv"
    towers(path).write_text(path.read_text().replace("so hieu,cot", "ma_cot,ten"))
    page = open_page(screens(1440, 900))
    send(page, path)
    link = page.locator("[data-part=review] a[download]")
    expect(link).to_be_visible(timeout=30_000)
    with page.expect_download() as started:
        link.click()
    assert "không phải là số" in Path(started.value.path()).read_text(encoding="utf-8-sig")
    page.locator("[data-part=review] .buttons").get_by_text("Hủy").click()
    expect(page.locator("[data-part=review]")).to_contain_text("Đã hủy")
    assert centre.data_dir.exists()


def test_a_waiting_file_can_be_cancelled(
    screens: Callable[..., Screen], province: Province, tmp_path: Path
) -> None:
    """Without a worker the page says that it waits, and gives way."""
    page = open_page(screens(820, 1180))
    send(page, towers(tmp_path / "a.csv"))
    review = page.locator("[data-part=review]")
    expect(review).to_contain_text("Đang chờ bộ xử lý")
    review.get_by_text("Hủy").click()
    expect(review).to_contain_text("Đã hủy")
    wait_for(lambda: states(province) == ["cancelled"])


def states(province: Province) -> list[str]:
    rows = province.conn.execute("select state from layer_job where argument ? 'upload'")
    return [row[0] for row in rows]


def imported(province: Province) -> list[tuple[Any, ...]]:
    return province.conn.execute(
        "select layer, created_by, (select count(*) from layer_feature f"
        " where f.layer = i.layer and until is null) from layer_import i"
    ).fetchall()


def test_only_the_clerk_sees_it(screens: Callable[..., Screen]) -> None:
    """Whoever may not import layers is told so, and has no way to the page."""
    page = sit_down(screens(1440, 900), "truc-ban", "/map", "window.IOC && window.IOC.store.loaded")
    expect(page.locator("nav a[href='/layers']")).to_have_count(0)
    answer = page.goto(page.url.split("/map")[0] + "/layers")
    assert answer is not None
    assert answer.status == 403
    assert json.loads(answer.text())["type"] == "urn:ioc:problem:forbidden"
