"""`ioc rules`: rule files tried, checked, and brought into the database or out of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ioc import provision
from ioc.cli.context import settings
from ioc.domain.errors import ConfigError
from ioc.rules import cases
from ioc.rules import definition as rule_files
from ioc.rules.cases import Difference, Result
from ioc.storage import pool, rules
from ioc.text import say

app = typer.Typer(no_args_is_help=True, help="alert rules")

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


@app.command("apply")
def apply() -> None:
    """Read config/rules; a changed rule becomes a new version."""
    found = rule_files.load(settings().config_dir / "rules")
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        rules.sync(conn, found, provision.ACTOR)
    typer.echo(str(len(found)))
