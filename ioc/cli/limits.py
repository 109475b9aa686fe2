"""`ioc limits …`: what stations must keep, from their permits and from regulations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ioc import catalogue, permits
from ioc import limits as regulations
from ioc.cli.context import By, settings
from ioc.domain.errors import ConfigError
from ioc.storage import audit, legal_limits, pool
from ioc.text import say

app = typer.Typer(no_args_is_help=True, help="legal limits of stations")

MOST_BYTES = 16 << 20
MOST_TOLD = 50  # refused rows that are named; the rest is counted


@app.command()
def seed() -> None:
    """Give stations the limits of config/limits that hold for what they measure; safe to repeat."""
    found = regulations.load(settings().config_dir / "limits")
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        made, changed = legal_limits.seed(conn, found)
    typer.echo(say("limits.seeded", made=made, changed=changed))


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    by: By,
    *,
    dry_run: Annotated[bool, typer.Option(help="only say what would be done")] = False,
) -> None:
    """Put the limits of a CSV; one refused row and nothing is changed (exit code 1)."""
    if file.stat().st_size > MOST_BYTES:
        raise ConfigError(say("limits.too_long", most=permits.MOST_ROWS))
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(say("limits.not_utf8", file=file)) from error
    folder = settings().config_dir
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn, conn.transaction():
        stations = legal_limits.stations(conn)
        known = permits.Known(
            stations, catalogue.load(folder / "catalog"), regulations.load(folder / "limits")
        )
        puts, refused = permits.read(text, known)
        for one in refused[:MOST_TOLD]:
            typer.echo(permits.explain(one))
        if refused:
            typer.echo(say("limits.nothing", count=len(refused)))
            raise typer.Exit(1)
        if not dry_run:
            legal_limits.put(conn, [(stations[put.station], put.limit) for put in puts], by)
            detail = {"limits": len(puts), "stations": len({put.station for put in puts})}
            audit.record(conn, audit.Entry(by, "limits.import", file.name, detail))
    typer.echo(say("limits.would_import" if dry_run else "limits.imported", count=len(puts)))
