"""Bring a database to the state every process expects: schema, catalogue, rules, base layers."""

from __future__ import annotations

from ioc import catalogue, limits, policies
from ioc import indicators as indicator_files
from ioc.demo.seed import seed
from ioc.rules import definition as rule_files
from ioc.settings import Settings
from ioc.storage import indicators, layers, legal_limits, migrate, outbox, pool, rules, things

ACTOR = "config"  # who the audit names for what configuration files say


def prepare(settings: Settings, *, demo: bool) -> None:
    """Migrate, register what configuration names, ask for the base layers; safe to repeat."""
    with pool.connect_or_refuse(settings.database_url, name="provision") as conn:
        migrate.run(conn)
        things.upsert_properties(conn, catalogue.load(settings.config_dir / "catalog"))
        indicators.sync(conn, indicator_files.load(settings.config_dir / "indicators"))
        if demo:
            seed(conn, settings)
        legal_limits.seed(conn, limits.load(settings.config_dir / "limits"))
        rules.sync(conn, rule_files.load(settings.config_dir / "rules"), ACTOR)
        outbox.sync_plan(conn, policies.load(settings.config_dir, outbox.ZONE).file, ACTOR)
        layers.request_base(conn, ACTOR)
