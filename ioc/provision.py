"""Bring a database to the state every process expects: schema, catalogue, rules, base layers."""

from __future__ import annotations

import psycopg

from ioc.alerting import rules as rule_files
from ioc.demo.seed import seed
from ioc.domain.errors import ConfigError
from ioc.settings import Settings
from ioc.storage import layers, migrate, pool, rules, things
from ioc.text import say

ACTOR = "config"  # who the audit names for what configuration files say


def connect(settings: Settings) -> migrate.Db:
    """Open a connection, or raise ConfigError with the remedy instead of a driver's traceback."""
    settings.require("database_url")
    try:
        return pool.connect(settings.database_url, name="provision")
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(say("up.database_unreachable", reason=reason)) from error


def prepare(settings: Settings, *, demo: bool) -> None:
    """Migrate, register what configuration names, ask for the base layers; safe to repeat."""
    with connect(settings) as conn:
        migrate.run(conn)
        things.upsert_properties(conn, settings.config_dir / "catalog" / "properties.yaml")
        if demo:
            seed(conn, settings)
        rules.sync(conn, rule_files.load(settings.config_dir / "rules"), ACTOR)
        layers.request_base(conn, ACTOR)
