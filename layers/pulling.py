"""`config/sources/*.yaml`: layers that come from another system, pulled by the same import."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from ioc import plugins
from ioc.domain.errors import ConfigError, LayerFileError
from ioc.settings import Reference, read_secret, read_yaml
from ioc.text import DEFAULT, say
from layers import importing
from layers.importing import Ground, Request
from layers.report import Outcome, Report

GROUP: Final = "ioc.layer_sources"


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of config/sources. `kind` is an entry point; `secret` fills its field of the name.

    `columns`: the source's column -> the layer's field, as `--map` says it.
    """

    kind: str
    layer: str
    settings: dict[str, Any] = {}
    secrets: dict[str, Reference] = {}
    crs: str = "auto"
    columns: dict[str, str] = {}


def load(folder: Path, name: str) -> Source:
    """Return a source by its name; ConfigError names the file and the fault."""
    path = folder / f"{name}.yaml"
    if path.parent != folder or not path.is_file():
        known = ", ".join(sorted(one.stem for one in folder.glob("*.yaml")))
        raise ConfigError(say("layers.no_source", name=name, known=known or "–"))
    try:
        return msgspec.convert(read_yaml(path), Source)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error


def pull(source: Source, ground: Ground, *, by: str, dry_run: bool, yes: bool) -> Report:
    """Fetch a source and import it; what is wrong with either is in the report."""
    fetch: Callable[[dict[str, Any], Path], Path] = plugins.load(GROUP, source.kind)
    secrets = {name: read_secret(where) for name, where in source.secrets.items()}
    with tempfile.TemporaryDirectory(prefix="ioc-pull-") as folder:
        try:
            path = fetch({**source.settings, **secrets}, Path(folder))
        except LayerFileError as error:
            report = Report(layer=source.layer, dry_run=dry_run, outcome=Outcome.REFUSED)
            report.error = say(f"layers.refused.{error.reason}", DEFAULT, **error.values)
            return report
        request = Request(
            path, source.layer, source.crs, mapping=source.columns, dry_run=dry_run, yes=yes, by=by
        )
        return importing.run(request, ground)
