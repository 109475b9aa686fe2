"""What every command has at hand: the settings, who asks, and another process with both."""

from __future__ import annotations

import getpass
import subprocess
import sys
from typing import Annotated, NoReturn

import typer

from ioc import embedded
from ioc import settings as settings_module
from ioc.settings import Settings

_settings: list[Settings] = []


def who() -> str:
    """Return the account of this machine that runs the command."""
    return getpass.getuser()


By = Annotated[str, typer.Option(help="who does this, for the audit", default_factory=who)]


def settings() -> Settings:
    """Read settings once a command; with no service named, those of the `ioc up` that runs here."""
    if not _settings:
        _settings.append(_with_running(settings_module.load()))
    return _settings[0]


def _with_running(given: Settings) -> Settings:
    if given.database_url or given.redis_url or given.mqtt_url:
        return given
    urls = embedded.running(given.data_dir)
    if urls is None:
        return given
    return given.with_services(urls.database_url, urls.redis_url, urls.mqtt_url)


def run(*module: str) -> NoReturn:
    """Hand over to a process of its own with our settings."""
    command = [sys.executable, "-m", *module]
    environment = settings_module.child_environment(settings())
    try:
        raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)  # noqa: S603
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
