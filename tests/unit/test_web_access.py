"""The access table: what is not written down does not exist."""

from __future__ import annotations

import pytest

from ioc.domain.permission import Action
from ioc.web.access import PUBLIC, TABLE, Answer, access_of


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "/wall", Action.SEE_WALL),
        ("HEAD", "/wall/room/2", Action.SEE_WALL),
        ("GET", "/live", Action.SEE_WALL),
        ("GET", "/thing/0123456789", Action.SEE_THING),
        ("GET", "/api/v1/things/7", Action.SEE_API),
        ("GET", "/api/v1/things/pending", Action.SEE_PENDING),
        ("GET", "/api/v1/feeds/env/dead-letters", Action.SEE_DEAD_LETTERS),
        ("POST", "/api/v1/alerts/x/acknowledge", Action.ACKNOWLEDGE_ALERT),
        ("POST", "/api/v1/alerts/acknowledge", Action.ACKNOWLEDGE_ALERT),
        ("POST", "/api/v1/alerts/x/comment", Action.ACKNOWLEDGE_ALERT),
        ("POST", "/api/v1/alerts/x/direction", Action.DIRECT_ALERT),
        ("GET", "/brief", Action.SEE_ALERTS),
        ("GET", "/brief/state", Action.SEE_ALERTS),
        ("GET", "/brief/report", Action.SEE_API),
        ("DELETE", "/brief/push", Action.SEE_API),
        ("POST", "/api/v1/alerts/x/shelve", Action.MASK_ALERT),
        ("POST", "/api/v1/alerts/x/assign", Action.HANDLE_ALERT),
        ("POST", "/api/v1/alerts/x/handling", Action.SEE_API),
        ("GET", "/api/v1/masks", Action.SEE_API),
        ("POST", "/api/v1/masks", Action.MASK_ALERT),
        ("POST", "/api/v1/masks/7/approve", Action.MASK_ALERT),
        ("DELETE", "/api/v1/masks/7", Action.MASK_ALERT),
        ("GET", "/api/v1/search", Action.SEE_API),
        ("GET", "/map", Action.SEE_API),
        ("GET", "/things", Action.SEE_API),
        ("GET", "/indices", Action.SEE_API),
        ("GET", "/station/7", Action.SEE_API),
        ("GET", "/desk/station/7/report", Action.SEE_API),
        ("GET", "/api/v1/compliance/7", Action.SEE_API),
        ("GET", "/walls", Action.STEER_WALL),
        ("GET", "/wall-data/cameras", Action.SEE_WALL),
        ("POST", "/wall-data/screens/tuong-1/seen", Action.SEE_WALL),
        ("POST", "/desk/walls/tuong-1", Action.STEER_WALL),
        ("GET", "/handover/7", Action.HAND_OVER),
        ("POST", "/desk/handover/notes", Action.HAND_OVER),
        ("GET", "/desk/things", Action.SEE_API),
        ("GET", "/desk/things/export.xlsx", Action.SEE_API),
        ("GET", "/indicators", Action.SEE_API),
        ("GET", "/desk/indicators/export.xlsx", Action.SEE_API),
        ("POST", "/desk/indicators/file", Action.PUT_INDICATOR),
        ("GET", "/feeds", Action.SEE_API),
        ("GET", "/desk/feeds", Action.SEE_API),
        ("GET", "/desk/feeds/letters", Action.SEE_DEAD_LETTERS),
        ("GET", "/desk/feeds/letters/export.csv", Action.SEE_DEAD_LETTERS),
        ("POST", "/desk/feeds/env/retry/stop", Action.RETRY_DEAD_LETTERS),
        ("GET", "/pending", Action.SEE_PENDING),
        ("GET", "/desk/pending/choices", Action.SEE_PENDING),
        ("POST", "/desk/pending/refuse", Action.ADMIT_THING),
        ("GET", "/system", Action.SEE_METRICS),
        ("GET", "/desk/thing/7/export.csv", Action.SEE_API),
        ("DELETE", "/desk/thing/7/notes/3", Action.ANNOTATE),
        ("GET", "/desk/system/export.csv", Action.SEE_METRICS),
        ("GET", "/layers", Action.IMPORT_LAYER),
        ("GET", "/desk/layers", Action.IMPORT_LAYER),
        ("POST", "/desk/layers/uploads", Action.IMPORT_LAYER),
        ("GET", "/desk/layers/uploads/7/refused.csv", Action.IMPORT_LAYER),
        ("POST", "/desk/layers/uploads/7/confirm", Action.IMPORT_LAYER),
        ("POST", "/desk/layers/tower/undo", Action.IMPORT_LAYER),
        ("GET", "/metrics", Action.SEE_METRICS),
        ("GET", "/rules/pm25-early", Action.SEE_API),
        ("POST", "/api/v1/rules/preview", Action.SEE_API),
        ("POST", "/api/v1/rules", Action.EDIT_RULE),
        ("POST", "/api/v1/rules/pm25-early/versions/2/approve", Action.EDIT_RULE),
    ],
)
def test_the_narrower_line_counts(method: str, path: str, action: Action) -> None:
    """A path takes what its own line says, not what a wider one further down would allow."""
    access = access_of(method, path)
    assert access is not None
    assert access.action is action


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/wall\n"),
        ("GET", "/walls/tuong-1"),
        ("POST", "/handover"),
        ("POST", "/wall-data/cameras"),
        ("GET", "/x/wall"),
        ("GET", "/live/"),
        ("POST", "/live"),
        ("GET", "/logout"),
        ("POST", "/wall"),
        ("get", "/wall"),
        ("OPTIONS", "/wall"),
        ("GET", "/brief/"),
        ("GET", "/brief/map/../0.svg"),
        ("POST", "/brief/state"),
        ("GET", "/thing/12345678901"),
        ("GET", "/text/vi.json.map"),
        ("GET", "/geo/Things/00.geojson"),
        ("GET", "/api/v1/things/1/2"),
        ("GET", "/api/v1/alerts/1/acknowledge"),
        ("POST", "/api/v1/alerts/1"),
        ("POST", "/api/v1/alerts/1/reopen"),
        ("DELETE", "/api/v1/masks"),
        ("GET", "/api/v1/masks/7/approve"),
        ("GET", "/_dash-update-component"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
    ],
)
def test_near_misses_do_not_exist(method: str, path: str) -> None:
    """A method or a spelling that no line names is refused."""
    assert access_of(method, path) is None


def test_only_pages_redirect() -> None:
    """What a person opens leads to the login; what a program asks never does."""
    pages = {path for _, path, access in TABLE if access.answer is Answer.PAGE}
    rules = r"/rules(/[a-z0-9-]{1,63})?"
    own = {r"/account(/password|/second-factor)?", r"/account/(password|second-factor|sessions)"}
    desk = {r"/|/wall(/.*)?", rules, r"/thing/[0-9]{1,10}", r"/alerts|/kpi", r"/users", r"/audit"}
    desk |= {
        r"/indicators|/quality|/integrations",
        "/feeds",
        "/system",
        "/help",
        "/pending",
        "/things",
        "/map",
        "/layers",
        "/network",
        r"/brief",
        r"/brief/report",
    }
    desk |= {"/indices", r"/station/[0-9]{1,10}"}
    desk |= {"/walls", r"/handover(/[0-9]{1,18})?"}
    assert pages == desk | own
    assert PUBLIC.action is None
