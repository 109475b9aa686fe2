"""`ioc notify …`: who is told, now and at night; a test message; the configuration into effect."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Final, Literal
from uuid import uuid4

import typer

from ioc import policies
from ioc.alerting import delivery
from ioc.alerting.delivery import Browser, Delivery
from ioc.cli.context import settings
from ioc.clock import SystemClock
from ioc.domain.alert import Severity
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, Micros, from_datetime, to_datetime
from ioc.domain.notification import Delivered, Never, Receipt
from ioc.domain.policy import Facts
from ioc.policies import Arranged, Target
from ioc.storage import notifications, outbox, pool
from ioc.text import say

app = typer.Typer(no_args_is_help=True, help="who is told of alerts, and by which channel")

_NIGHT: Final = time(2)  # the hour at which a hole in a rota is found too late

Severe = Literal["critical", "high", "medium", "low"]


def _arranged() -> Arranged:
    return policies.load(settings().config_dir, outbox.ZONE)


@app.command("apply")
def apply() -> None:
    """Read config/notify.yaml; what is wrong in it is named with its line."""
    found = _arranged()
    delivery.check(found)
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        changed = outbox.sync_plan(conn, found.file, "config")
    if not changed:
        typer.echo(say("notify.unchanged"))
        return
    applied = say("notify.applied", targets=len(found.targets), policies=len(found.file.policies))
    typer.echo(applied)


@app.command("who")
def who(
    severity: Annotated[Severe, typer.Option()],
    kind: Annotated[str, typer.Option(help="of the thing: environment, camera, …")],
    commune: Annotated[str | None, typer.Option(help="code")] = None,
    rule: Annotated[str, typer.Option(help="id")] = "",
    escalation: Annotated[int, typer.Option(min=0, help="so often without an answer")] = 0,
    at: Annotated[str | None, typer.Option(help="02:00, or 2026-11-24T02:00")] = None,
) -> None:
    """Print who would be told now and at 02:00 (or at --at); needs no service."""
    found = _arranged()
    facts = Facts(Severity[severity.upper()], kind, commune, rule, escalation)
    now = SystemClock().now()
    _print(found, facts, now, "notify.who_now")
    _print(found, facts, _instant(at, now, found), "notify.who_at")


@app.command("test")
def test(target: str) -> None:
    """Send a message marked as an exercise to one target, and print its receipt."""
    found = _arranged()
    if target not in found.targets:
        known = ", ".join(found.targets) or "–"
        raise ConfigError(say("notify.no_target", name=target, known=known))
    addressed = found.targets[target]
    delivered = [_try(found, addressed, browser) for browser in _browsers(addressed)]
    raise typer.Exit(0 if delivered and all(delivered) else 1)


def _try(found: Arranged, target: Target, browser: Browser | None) -> bool:
    clock = SystemClock()
    began = clock.now()
    key = f"test:{uuid4()}:{target.name}"
    receipt = Delivery(settings(), found).test(target, key, began, browser)
    took = (clock.now() - began) * 1000 // SECOND
    typer.echo(_told(target, receipt, took))
    return isinstance(receipt, Delivered)


def _told(target: Target, receipt: Receipt, took: int) -> str:
    name, channel = target.name, target.channel
    if isinstance(receipt, Delivered):
        got = receipt.receipt
        return say("notify.delivered", target=name, channel=channel, ms=took, receipt=got)
    why = say("notify.not_delivered", target=name, channel=channel, reason=receipt.reason)
    helps = "notify.retry_useless" if isinstance(receipt, Never) else "notify.retry_helps"
    return f"{why}. {say(helps)}"


def _browsers(target: Target) -> list[Browser | None]:
    """Return the browsers of a web push target; one None for every other channel."""
    if target.channel != outbox.WEBPUSH:
        return [None]
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        found = notifications.subscriptions(conn, str(target.address))
    if not found:
        typer.echo(say("notify.no_browser", owner=target.address))
    return [Browser(*one) for one in found]


def _instant(at: str | None, now: Micros, found: Arranged) -> Micros:
    """Return the next instant at which it is that local time, or the one that is written whole."""
    local = to_datetime(now).astimezone(found.plan.zone)
    try:
        wanted = _NIGHT if at is None else time.fromisoformat(at)
    except ValueError:
        return _moment(str(at), found)
    then = local.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0)
    return from_datetime(then if then >= local else then + timedelta(days=1))


def _moment(text: str, found: Arranged) -> Micros:
    try:
        then = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(say("notify.bad_time", text=text)) from error
    return from_datetime(then if then.tzinfo else then.replace(tzinfo=found.plan.zone))


def _print(found: Arranged, facts: Facts, instant: Micros, key: str) -> None:
    local = to_datetime(instant).astimezone(found.plan.zone)
    typer.echo(say(key, time=local.strftime("%d/%m/%Y %H:%M")))
    told = found.plan.resolve(facts, instant)
    for one in told:
        target = found.targets[one.target]
        line = say(
            "notify.who_line",
            person=target.person or target.name,
            channel=target.channel,
            target=target.name,
            policy=one.policy,
        )
        typer.echo(f"  {line}")
    if not told:
        typer.echo(f"  {say('notify.nobody')}")
