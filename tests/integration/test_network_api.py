"""The questions over HTTP and on the command line, on a small network in a real database."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from ioc.domain.permission import Role
from ioc.domain.scope import Scope
from ioc.storage import users
from tests.integration.network_rig import OFFLINE, Db, Town
from tests.integration.web_site import Site
from tests.unit.network_plans import at


@pytest.fixture
def town(conn: Db) -> Town:
    return Town(conn)


def get(web: Site, token: str, path: str) -> tuple[int, Any]:
    answer = web.client(token).get(f"/api/v1/{path}")
    return answer.status, answer.json() if answer.body else None


def test_a_cut_is_told_with_who_is_lost_and_who_lives(
    town: Town, web: Site, role_tokens: dict[Role, str]
) -> None:
    """Segment by code, or a place with a radius: lost sites with their names, and the title."""
    token = role_tokens[Role.GIS]
    status, found = get(web, token, "network/impact?segment=k3")
    assert (status, found["title"]) == (200, "Nút c – Nút d")
    assert {one["code"] for one in found["lost"]} == {"d1", "d2", "d3", "d4"}
    assert found["counts"] == {"tslcd_point": 4, "bts": 0, "camera": 0}
    assert {one["thing"] for one in found["lost"]} == {
        town.streams[f"d{n}"][0] for n in range(1, 5)
    }
    lon, lat = at(7)
    status, found = get(web, token, f"network/impact?lon={lon}&lat={lat}&radius_km=0.1")
    assert (status, found["segments"]) == (200, ["k3"])
    assert get(web, token, "network/impact?segment=none")[0] == 404
    assert get(web, token, "network/impact")[0] == 422
    status, drawn = get(web, token, "network/segments")
    assert {f["properties"]["code"] for f in drawn["features"]} >= {"k0", "k1", "k2", "k3"}
    status, told = get(web, token, "network")
    assert (told["cores"], told["sites_linked"], told["tolerance_m"]) == (["core"], 16, 50.0)


def test_single_points_and_suspects_are_ranked(
    town: Town, web: Site, role_tokens: dict[Role, str]
) -> None:
    """The trunk's first piece is the weakest point; a silence has its explanation."""
    token = role_tokens[Role.OPERATOR]
    _, found = get(web, token, "network/single-points?limit=2")
    assert (found["total"] > 2, found["items"][0]["counts"]["tslcd_point"]) == (True, 16)
    assert get(web, token, "network/suspects")[1] == {"silent": 0, "standing": [], "candidates": []}
    town.sleep(1)
    town.report(["a1"], OFFLINE)
    assert get(web, token, "coverage")[1]["all"]["hamlets"]["known"] == 0


@pytest.mark.parametrize("path", ["network", "network/impact?segment=k1", "coverage"])
def test_a_wall_asks_no_questions(
    town: Town, web: Site, role_tokens: dict[Role, str], path: str
) -> None:
    """A kiosk and a source have no right to them."""
    assert town.streams
    for role in (Role.KIOSK, Role.SOURCE):
        assert get(web, role_tokens[role], path)[0] == 403
    assert web.client().get(f"/api/v1/{path}").status == 401


def test_the_drawing_is_sent_once(town: Town, web: Site, role_tokens: dict[Role, str]) -> None:
    """A browser keeps the segments and gets 304 for them until the network is another one."""
    client = web.client(role_tokens[Role.GIS])
    answer = client.get("/api/v1/network/segments")
    assert answer.headers["cache-control"] == "private, no-cache"
    tag = answer.headers["etag"]
    assert tag == f'"{sha256(answer.body).hexdigest()[:16]}"'  # the same in every process
    asked = {"If-None-Match": tag}
    assert client.get("/api/v1/network/segments", **asked).status == 304
    town.feature("fibre_route", "k9", (at(8), at(10)))
    town.conn.execute("update layer_import set number = 2 where layer = 'fibre_route'")
    assert client.get("/api/v1/network/segments", **asked).status == 200


def first_alert(town: Town) -> str:
    row = town.conn.execute("select id from alert").fetchone()
    assert row is not None
    return f"alerts/{row[0]}/around"


def test_what_lies_around_an_alert(town: Town, web: Site, role_tokens: dict[Role, str]) -> None:
    """Within the radius the nearest first; along the route that passes, before and behind."""
    town.raise_alert("c1")
    path = first_alert(town)
    _, found = get(web, role_tokens[Role.LEADER], f"{path}?km=1.2")
    (offices,) = [one for one in found["layers"] if one["layer"] == "network"]
    assert offices["items"][0]["name"] == "c1"
    assert ("c2" in {one["name"] for one in offices["items"]}, found["complete"]) == (True, True)
    route = next(one for one in found["along"] if one["code"] == "c4")
    assert [(b["name"], round(b["along_km"], 1)) for b in route["items"] if b["thing"]] == [
        ("c1", 0.0), ("c2", 1.1), ("c3", 2.2), ("c4", 3.3),
    ]  # fmt: skip
    unknown = "00000000-0000-0000-0000-000000000000"
    assert get(web, role_tokens[Role.LEADER], f"alerts/{unknown}/around")[0] == 404


def test_a_river_in_pieces_leads_to_its_reservoir(
    town: Town, web: Site, role_tokens: dict[Role, str]
) -> None:
    """Beyond the radius, over two pieces, drawn against the flow; a road says nothing."""
    x, y = at(6, 1)
    river = '{"kind": "Sông", "direction": "%s"}'
    town.feature("base", "s1", ((x, y), at(16, 1)), river % "ngược", name="Sông Bé")
    town.feature("base", "s2", (at(16, 1), at(26, 1)), river % "ngược", name="Sông Bé")
    town.feature("base", "r1", ((x, y), at(6, -9)), '{"kind": "Quốc lộ"}', name="QL14")
    town.feature("reservoir", "h1", (at(24, 1.1),), name="Hồ Thác Mơ")
    town.raise_alert("c1")
    _, found = get(web, role_tokens[Role.OPERATOR], f"{first_alert(town)}?km=1")
    assert [one["name"] for one in found["along"] if one["layer"] == "base"] == ["Sông Bé"]
    (line,) = [one for one in found["along"] if one["layer"] == "base"]
    (lake,) = [one for one in line["items"] if one["layer"] == "reservoir"]
    assert (lake["name"], lake["title"], line["drawn"]) == ("Hồ Thác Mơ", "Hồ chứa", False)
    assert lake["along_km"] == pytest.approx(-19.6, abs=0.5)
    assert "reservoir" not in {one["layer"] for one in found["layers"]}


def scoped(conn: Db, commune: str) -> str:
    scope = Scope(areas=frozenset({commune}))
    return users.create_token(conn, kind="api", role="operator", label=commune, scope=scope)


def test_what_is_out_of_scope_is_not_around(town: Town, web: Site, conn: Db) -> None:
    """Who answers for one commune is told of its alerts alone, and of its things around them."""
    for office, commune in (("c1", "1"), ("c2", "1"), ("c3", "2")):
        town.conn.execute(
            "update location set commune_code = %s where thing_id = %s",
            (commune, town.streams[office][0]),
        )
    town.raise_alert("c1")
    path = f"{first_alert(town)}?km=5"
    status, found = get(web, scoped(conn, "1"), path)
    told = {item["name"] for layer in found["layers"] for item in layer["items"]}
    assert (status, told & {"c1", "c2", "c3", "c4"}) == (200, {"c1", "c2"})
    assert get(web, scoped(conn, "2"), path)[0] == 404


def ioc(database_url: str, *arguments: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "ioc.cli", "network", *arguments, "--json"],
        env={"PATH": os.defpath, "IOC_DATABASE_URL": database_url},
        cwd=Path(__file__).parents[2], capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, orjson.loads(done.stdout) if done.stdout else done.stderr.decode()


def test_the_command_says_the_same(town: Town, database_url: str) -> None:
    """Impact, single points and suspects as JSON; an unknown segment is exit code 2."""
    assert town.streams
    code, found = ioc(database_url, "impact", "k3")
    assert (code, set(found["lost"])) == (0, {"d1", "d2", "d3", "d4"})
    code, found = ioc(database_url, "single-points")
    assert (code, found["items"][0]["counts"]["tslcd_point"]) == (0, 16)
    assert ioc(database_url, "suspects") == (0, {"standing": [], "guesses": []})
    code, words = ioc(database_url, "impact", "none")
    assert (code, "none" in words) == (2, True)
