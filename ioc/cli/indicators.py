"""`ioc indicators …`: figures of the province's indicators from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ioc import indicator_file
from ioc.cli.context import By, settings
from ioc.clock import SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.indicator import How
from ioc.domain.instant import to_datetime
from ioc.storage import audit, indicators, pool
from ioc.storage.indicators import Figure
from ioc.text import say

app = typer.Typer(no_args_is_help=True, help="figures of the province's indicators")

MOST_TOLD = 50  # refused rows that are named; the rest is counted


@app.callback()
def _group() -> None:
    """Keep `import` a command of its own, as long as it is the only one."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    by: By,
    *,
    dry_run: Annotated[bool, typer.Option(help="only say what would be done")] = False,
) -> None:
    """Put the figures of a CSV or XLSX; one refused row and nothing is changed (exit code 1)."""
    if file.stat().st_size > indicator_file.MOST_BYTES:
        most = indicator_file.MOST_BYTES >> 20
        raise ConfigError(say("indicators.file.too_large", most=most))
    now = to_datetime(SystemClock().now())
    today = now.astimezone(ZoneInfo(settings().province.zone)).date()
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn, conn.transaction():
        found = indicator_file.read(file.name, file.read_bytes(), indicators.names(conn), today)
        for row, words in found.refused[:MOST_TOLD]:
            typer.echo(say("indicators.file.row", row=row, words=words))
        if found.refused:
            typer.echo(say("indicators.file.nothing", count=len(found.refused)))
            raise typer.Exit(1)
        if dry_run:
            typer.echo(say("indicators.file.would", count=len(found.rows)))
            return
        figures = [
            Figure(one.indicator, one.at, one.value, How.UPLOAD, _where(file.name, one.row))
            for one in found.rows
        ]
        changed = indicators.put(conn, figures, by)
        detail = {"figures": len(figures), "changed": changed}
        audit.record(conn, audit.Entry(by, "indicators.import", file.name, detail))
    typer.echo(say("indicators.file.imported", count=len(found.rows), changed=changed))


def _where(name: str, row: int) -> dict[str, str | int]:
    return {"file": name, "row": row}
