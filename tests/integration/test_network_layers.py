"""The network out of the layers of a real database: the simulated one, and a customer's rows."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from ioc import settings as configuration
from ioc.demo.seed import seed
from ioc.domain.coverage import Signal, report
from ioc.domain.network.cut import Analysis
from ioc.domain.network.joining import join
from ioc.storage import network
from ioc.storage.script import run

Db = Connection[tuple[Any, ...]]


def test_the_simulated_province_has_a_network(conn: Db) -> None:
    """Every simulated office, station and camera hangs on the core, and hamlets have classes."""
    seed(conn, configuration.load())
    before = run(conn, network.version())
    plan = run(conn, network.plan())
    analysis = Analysis(join(plan))
    joined = analysis.network.joined
    assert (joined.cores, joined.sites_unlinked) == (1, 0)
    assert len(analysis.reached()) == len(plan.sites) == 4300
    assert sum(site.thing is not None for site in plan.sites) == 4300
    told = report(run(conn, network.hamlets())).all
    assert told.hamlets.known > 800
    assert told.hamlets.none > 0 < told.hamlets.partial
    assert len(run(conn, network.masts())) == 3500
    notes = conn.execute("select distinct properties ->> 'note' from layer_feature").fetchall()
    assert notes == [("dữ liệu mô phỏng",)]
    seed(conn, configuration.load())
    assert run(conn, network.version()) == before


def test_a_seed_leaves_what_a_customer_imported_alone(conn: Db) -> None:
    """A layer that ever had an import is not filled with simulated rows."""
    conn.execute("insert into layer_import (layer, number, created_by) values ('node', 1, 'an')")
    seed(conn, configuration.load())
    found = conn.execute("select count(*) from layer_feature where layer = 'node'").fetchone()
    assert found == (0,)


def test_words_of_a_file_are_signals(conn: Db) -> None:
    """What a customer's column says becomes a class; an empty cell is unknown, not covered."""
    for code, said in (("a", '"none"'), ("b", '"lõm sóng"'), ("c", "null"), ("d", '"Có"')):
        conn.execute(
            "insert into layer_feature (layer, code, since, name, shape, bounds, properties,"
            " commune_how, digest) values ('hamlet', %s, 1, %s, %s, '((106,11),(106,11))',"
            " jsonb_build_object('coverage', %s::jsonb, 'coverage_vnpt', %s::jsonb), 'none', '')",
            (code, code, b"\x01\x01\0\0\0" + b"\0" * 16, said, said),
        )
    found = run(conn, network.hamlets())
    assert [h.signal for h in found] == [
        Signal.NONE, Signal.PARTIAL, Signal.UNKNOWN, Signal.COVERED,
    ]  # fmt: skip
    assert found[2].operators == ()
