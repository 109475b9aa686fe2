"""`ioc rules`: rule files tried, checked, and brought into the database or out of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ioc.cli.backtest import backtest
from ioc.cli.context import By, settings
from ioc.clock import SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.instant import to_datetime
from ioc.rules import cases, lint
from ioc.rules import definition as rule_files
from ioc.rules.cases import Difference, Result
from ioc.storage import pool, rules
from ioc.text import DEFAULT, say
from ioc.web.rule_book import RuleBook

app = typer.Typer(no_args_is_help=True, help="alert rules")
app.command("backtest")(backtest)

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on standard output")]


@app.command("test")
def try_out(file: Path, *, as_json: AsJson = False) -> None:
    """Run the tests of a file; 0: all hold, 1: something differs, 2: the file is wrong."""
    try:
        results = cases.run(cases.read(file))
    except ConfigError as error:
        if as_json:
            typer.echo(json.dumps({"file": str(file), "passed": False, "error": str(error)}))
        raise
    passed = not any(result.differences for result in results)
    typer.echo(_as_json(file, results, passed=passed) if as_json else _as_text(results))
    raise typer.Exit(0 if passed else 1)


def _as_json(file: Path, results: list[Result], *, passed: bool) -> str:
    tests = [
        {
            "name": result.name,
            "passed": not result.differences,
            "expectations": result.expectations,
            "differences": [asdict(one) for one in result.differences],
        }
        for result in results
    ]
    whole = {"file": str(file), "passed": passed, "tests": tests}
    return json.dumps(whole, ensure_ascii=False)


def _as_text(results: list[Result]) -> str:
    lines = [f"{'FAIL' if result.differences else 'ok'}\t{result.name}" for result in results]
    rows = [_row(one) for result in results for one in result.differences]
    if rows:
        heads = ("line", "at", "rule", "datastream", "level", "key", "expected", "found")
        lines += ["", *_table([tuple(say(f"rules.test.{head}") for head in heads), *rows])]
    failed = sum(bool(result.differences) for result in results)
    return "\n".join([*lines, say("rules.test.sum", tests=len(results), failed=failed)])


def _row(one: Difference) -> tuple[str, ...]:
    level = "" if one.level is None else str(one.level)
    values = (_shown(one.expected), _shown(one.found))
    return (str(one.line), one.at, one.rule, one.datastream, level, one.key, *values)


def _shown(value: object) -> str:
    return (
        str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


@app.command("lint")
def lint_files(place: Annotated[Path, typer.Argument(metavar="FILE|DIR")]) -> None:
    """Say what is wrong in rule files; 0: nothing, 1: something, 2: a file cannot be read."""
    book = RuleBook.load(settings())
    zone = ZoneInfo(settings().province.zone)
    today = to_datetime(SystemClock().now()).astimezone(zone).date()
    found = lint.lint(lint.files(place), book, today)
    for one in found:
        words = say(f"rules.lint.{one.code}", DEFAULT, **one.values)
        typer.echo(f"{one.path}:{one.line}: {one.rule}: {words}")
    raise typer.Exit(1 if found else 0)


@app.command("import")
def import_files(
    place: Annotated[Path | None, typer.Argument(metavar="FILE|DIR", show_default=False)] = None,
    *,
    by: By,
) -> None:
    """Bring rules from files into force; what no file names stays as it is. Default: config/rules.

    A changed rule becomes a new version, also of one that was edited on screen.
    """
    found = rule_files.load_all(lint.files(place or settings().config_dir / "rules"))
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        brought = rules.bring(conn, found, by)
    for rule in brought:
        typer.echo(rule)


@app.command("export")
def export_file(
    file: Annotated[Path | None, typer.Argument(help="where to; default: standard output")] = None,
) -> None:
    """Write every rule in force as one file that `import` reads."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        stored = [rule_files.parse(one.definition) for one in rules.enabled(conn)]
    text = rule_files.written(stored)
    if file is None:
        typer.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
