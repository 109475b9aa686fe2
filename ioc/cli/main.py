"""Every command that has no module of its own, and the groups that have one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ingest.decode import main as decode_main
from ioc import archive, doctor, provision, registration, supervisor
from ioc import settings as settings_module
from ioc.cli.accounts import token_app, user_app
from ioc.cli.context import By, run, settings
from ioc.cli.index import app as index_app
from ioc.cli.indicators import app as indicators_app
from ioc.cli.layers import app as layers_app
from ioc.cli.limits import app as limits_app
from ioc.cli.network import app as network_app
from ioc.cli.notify import app as notify_app
from ioc.cli.rules import app as rules_app
from ioc.demo.seed import seed as seed_province
from ioc.domain.errors import Refusal
from ioc.storage import migrate, pool
from ioc.text import say

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
letters_app = typer.Typer(no_args_is_help=True, help="messages that were refused")
things_app = typer.Typer(no_args_is_help=True, help="declared, pending and replaced things")
app.add_typer(things_app, name="things")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")
app.add_typer(letters_app, name="dead-letters")
app.add_typer(rules_app, name="rules")
app.add_typer(index_app, name="index")
app.add_typer(notify_app, name="notify")
app.add_typer(layers_app, name="layers")
app.add_typer(network_app, name="network")
app.add_typer(limits_app, name="limits")
app.add_typer(indicators_app, name="indicators")


@app.command()
def up(
    *,
    demo: Annotated[bool, typer.Option(help="simulate a province and make demo accounts")] = False,
    fresh: Annotated[bool, typer.Option(help="start over: delete .ioc first")] = False,
) -> None:
    """Prepare and run the whole centre; Ctrl-C stops every process."""
    supervisor.up(settings_module.load(), demo=demo, start_over=fresh, tell=typer.echo)


@app.command(name="migrate")
def migrate_command(
    *, dry_run: Annotated[bool, typer.Option(help="only print what would be applied")] = False
) -> None:
    """Bring the database's schema, catalogue and rules to this version."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        waiting = migrate.pending(conn)
    if dry_run:
        for migration in waiting:
            typer.echo(f"-- {migration.name}\n{migration.text}")
        return
    provision.prepare(settings(), demo=False)
    for migration in waiting:
        typer.echo(migration.name)


@app.command()
def check() -> None:
    """Examine this installation and name the remedy of each fault."""
    findings = []
    for finding in doctor.check(settings()):
        findings.append(finding)
        typer.echo(
            f"[{say(f'check.verdict_{finding.verdict}')}] {finding.subject}: {finding.detail}"
        )
        if finding.remedy:
            typer.echo(f"    → {finding.remedy}")
    raise typer.Exit(doctor.exit_code(findings))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def decode(context: typer.Context) -> None:
    """Show what messages become; needs no service (see `ioc decode --help`)."""
    raise typer.Exit(decode_main(context.args))


@app.command()
def seed() -> None:
    """Register the simulated province's stations."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        seed_province(conn, settings())


@app.command()
def simulate() -> None:
    """Publish the simulated province over MQTT until stopped."""
    settings().require("mqtt_url")
    run("ioc.demo", "simulate")


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    feed: Annotated[str, typer.Option(help="name in config/feeds")],
    speed: Annotated[float, typer.Option(min=0.001)] = 1.0,
    *,
    shift_to_now: Annotated[bool, typer.Option(help="map t to start + (t - t0) / speed")] = False,
) -> None:
    """Publish a recording (CSV, zipped CSV, NDJSON) over MQTT."""
    settings().require("mqtt_url")
    shift = ["--shift-to-now"] if shift_to_now else []
    run("ioc.demo", "replay", str(file), "--feed", feed, "--speed", str(speed), *shift)


@letters_app.command("list")
def letters_list(
    feed: Annotated[str | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """Show refused messages, newest first, with the reason of each."""
    arguments = ["--limit", str(limit), *(["--feed", feed] if feed else [])]
    run("ingest.letters", "list", *arguments)


@letters_app.command("retry")
def letters_retry(feed: Annotated[str, typer.Option()]) -> None:
    """Take the refused messages of a feed in again, after its configuration was mended."""
    run("ingest.letters", "retry", "--feed", feed)


@things_app.command("import")
def things_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    by: By,
    *,
    dry_run: Annotated[bool, typer.Option(help="only say what would be done")] = False,
) -> None:
    """Declare the things of a CSV or YAML file; one wrong row and nothing is changed."""
    done = registration.load(settings(), file, by=by, dry_run=dry_run, tell=typer.echo)
    raise typer.Exit(0 if done else 1)


@things_app.command("list")
def things_list(
    feed: Annotated[str | None, typer.Option()] = None,
    *,
    pending: Annotated[bool, typer.Option(help="only those that wait")] = False,
) -> None:
    """Show feed, id, state, number of datastreams, name, and who continues them."""
    registration.show(settings(), feed, pending=pending, tell=typer.echo)


@things_app.command("admit")
def things_admit(
    devices: list[str],
    feed: Annotated[str, typer.Option()],
    by: By,
    name: Annotated[str | None, typer.Option(help="a better name than the device's own")] = None,
) -> None:
    """Admit pending things, all or none: their history becomes visible."""
    done = registration.admit(settings(), feed, devices, name=name, by=by, tell=typer.echo)
    raise typer.Exit(0 if done else 1)


@things_app.command("replace")
def things_replace(old: str, new: str, feed: Annotated[str, typer.Option()], by: By) -> None:
    """Let messages of the device NEW continue the history of OLD."""
    registration.replace(settings(), feed, (old, new), by=by, tell=typer.echo)


@app.command()
def backup(target: Path) -> None:
    """Save the database and the configuration into one file."""
    counts = archive.backup(settings(), target)
    typer.echo(say("archive.saved", file=target, rows=sum(counts.values())))


@app.command()
def restore(source: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Load a backup into an empty database."""
    counts = archive.restore(settings(), source)
    typer.echo(say("archive.restored", file=source, rows=sum(counts.values())))


def main() -> None:
    """Run a command; a refusal is one line on standard error and exit code 2, never a traceback."""
    try:
        app()
    except Refusal as refusal:
        typer.echo(f"ioc: {refusal}", err=True)
        raise SystemExit(2) from None
