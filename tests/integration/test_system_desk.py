"""The doctor's view on a page: what runs, what waits, what is wrong and what to do."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from psycopg import Connection

from ioc.doctor import certificates
from ioc.doctor.database import judge_backup
from ioc.doctor.finding import Verdict
from ioc.domain.permission import Role
from tests.awaiting import wait_for
from tests.integration.web_site import Client, Site

Db = Connection[tuple[Any, ...]]


def checked(client: Client) -> Any:
    """Return what the page shows once the doctor has answered; until then it shows the rest."""
    assert client.get("/desk/system").json()["parts"]
    wait_for(lambda: not client.get("/desk/system").json()["checking"], 60)
    return client.get("/desk/system").json()


def test_every_fault_has_its_remedy(web: Site, role_tokens: dict[Role, str]) -> None:
    """Parts that never gave a sign are wrong; whatever is not right says what to do."""
    client = web.client(role_tokens[Role.OPERATOR])
    found = checked(client)
    parts = {one["part"]: one for one in found["parts"]}
    assert parts["Cơ sở dữ liệu"]["state"] == "ok"
    assert parts["Tiến trình nhận tin"]["state"] == "wrong"
    subjects = {one["subject"] for one in found["findings"]}
    assert {"Cơ sở dữ liệu", "Lược đồ", "Sao lưu", "Dung lượng đĩa"} <= subjects
    told = [(one["state"], one["remedy"]) for one in found["parts"]]
    told += [(one["verdict"], one["remedy"]) for one in found["findings"]]
    assert [bool(remedy) for _, remedy in told] == [state != "ok" for state, _ in told]
    body = client.get("/desk/system/export.csv").body
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert len(rows) == len(told)
    assert web.client(role_tokens[Role.LEADER]).get("/desk/system").status == 403


def test_a_backup_is_remembered(web: Site, conn: Db, role_tokens: dict[Role, str]) -> None:
    """The line that a backup leaves in the audit is what the check goes by."""
    conn.execute("insert into audit (actor, action, object) values ('t', 'backup.made', 'b')")
    found = checked(web.client(role_tokens[Role.ADMIN]))["findings"]
    (backup,) = [one for one in found if one["subject"] == "Sao lưu"]
    assert backup["verdict"] == "ok"


@pytest.mark.parametrize(("days", "verdict"), [(7.9, Verdict.OK), (8.1, Verdict.WARNING)])
def test_an_old_backup_is_named(days: float, verdict: Verdict) -> None:
    """A week and a day without one is a warning."""
    assert judge_backup(days).verdict is verdict


@pytest.mark.parametrize(("days", "verdict"), [(22, Verdict.OK), (20, Verdict.WARNING)])
def test_a_certificate_is_renewed_in_time(days: float, verdict: Verdict) -> None:
    """Three weeks before its end it is a warning."""
    assert certificates.judge("ioc.example.vn:443", days).verdict is verdict
