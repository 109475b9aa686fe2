"""`ioc rules …`: alert rules as files and in the database."""

from __future__ import annotations

import typer

from ioc import provision
from ioc.cli.backtest import backtest
from ioc.cli.context import settings
from ioc.rules import definition as rule_files
from ioc.storage import pool, rules

app = typer.Typer(no_args_is_help=True, help="alert rules")
app.command("backtest")(backtest)


@app.command("apply")
def apply() -> None:
    """Read config/rules; a changed rule becomes a new version."""
    found = rule_files.load(settings().config_dir / "rules")
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        rules.sync(conn, found, provision.ACTOR)
    typer.echo(str(len(found)))
