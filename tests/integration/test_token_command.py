"""`ioc token`: what walls and programs hold is listed without its secret, and ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from ioc.storage import users
from tests.integration.ingest_rig import ROOT

Db = psycopg.Connection[tuple[Any, ...]]
Ioc = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def token(database_url: str) -> Ioc:
    """Return a function that runs `ioc token …`."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ioc.cli", "token", *words],
            env=os.environ | {"IOC_DATABASE_URL": database_url},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_tokens_are_listed_and_revoked(token: Ioc, conn: Db) -> None:
    """A list tells whose a token is, never the token; a revoked one opens nothing and says when."""
    wall = token("create", "--role", "kiosk", "--label", "Sảnh").stdout.strip()
    source = token("create", "--role", "source", "--source", "lgsp", "--days", "30").stdout.strip()
    assert users.token_role(conn, wall) == "kiosk"
    listed = token("list").stdout
    first, second = (line.split("\t") for line in listed.splitlines())
    assert (first[1:4], first[4]) == (["kiosk", "", "Sảnh"], "")
    assert second[1:4] == ["source", "lgsp", "lgsp"]
    assert second[4].startswith("20")
    assert wall not in listed
    assert source not in listed
    assert token("revoke", first[0]).returncode == 0
    assert users.token_role(conn, wall) is None
    assert users.token_role(conn, source) == "source"
    again = [line.split("\t") for line in token("list").stdout.splitlines()]
    assert [row[0] for row in again] == [first[0], second[0]]
    assert again[0][4].startswith("20")
    actions = conn.execute("select action, object from audit order by id desc limit 1").fetchall()
    assert actions == [("token.revoke", first[0])]


def test_a_token_that_is_not_there(token: Ioc, conn: Db) -> None:
    """A slip of the number is told, and ends nobody's token."""
    wall = token("create", "--role", "kiosk", "--label", "Sảnh").stdout.strip()
    slip = token("revoke", "999")
    assert slip.returncode != 0
    assert "999" in slip.stderr
    assert "Traceback" not in slip.stderr
    assert users.token_role(conn, wall) == "kiosk"
    assert token("create", "--role", "kiosk").returncode != 0
