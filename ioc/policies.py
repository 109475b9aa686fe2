"""config/notify.yaml: channels, targets, policies and the on-call rota, read strictly.

Secrets never stand in the file: `{env: NAME}` or `{file: PATH}` says where one is, and that is what
is stored in the database, too. They are read when a message is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ioc.domain.alert import Severity
from ioc.domain.errors import ConfigError
from ioc.domain.policy import ALWAYS, DAY_MINUTES, EVERY_DAY, ROTA, Hours, Plan, Policy, Shift
from ioc.settings import Reference, read_yaml

FILE: Final = "notify.yaml"
_HOURS: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*[-–]\s*([01]\d|2[0-4]):([0-5]\d)")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=70)]  # a target's or "rota:" and a rota
Option = Reference | str | int | float | bool
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Severe = Literal["critical", "high", "medium", "low"]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Target(_Strict, frozen=True, kw_only=True):
    """Somebody, or something, that can be told: a channel and an address in it."""

    name: Slug
    channel: Slug
    address: Annotated[str, msgspec.Meta(max_length=500)] | Reference = ""
    person: Annotated[str, msgspec.Meta(max_length=100)] = ""
    secret: Reference | None = None
    language: Literal["vi", "en"] = "vi"


class PolicyFile(_Strict, frozen=True, kw_only=True):
    """One policy as written; what is not given asks for nothing."""

    name: Slug
    tell: Annotated[list[Name], msgspec.Meta(min_length=1)]
    severity: list[Severe] = []
    kind: list[str] = []
    commune: list[Annotated[str, msgspec.Meta(pattern=r"^\d{5}$")]] = []
    rule: list[str] = []
    days: list[Day] = []
    hours: str = ""
    escalation: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0


class ShiftFile(_Strict, frozen=True, kw_only=True):
    """A part of a rota; with `turn_days` and `since` its people take turns."""

    tell: Annotated[list[Slug], msgspec.Meta(min_length=1)]
    days: list[Day] = []
    hours: str = ""
    since: date | None = None
    turn_days: Annotated[int, msgspec.Meta(ge=1, le=366)] | None = None


class NotifyFile(_Strict, frozen=True):
    """The whole file."""

    channels: dict[Slug, dict[str, Option]] = {}
    targets: list[Target] = []
    policies: list[PolicyFile] = []
    rota: dict[Slug, Annotated[list[ShiftFile], msgspec.Meta(min_length=1)]] = {}

    def definition(self) -> dict[str, Any]:
        """Return what is stored: only JSON types, secrets as references."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


class Arranged(msgspec.Struct, frozen=True):
    """A file that was found right: the plan that resolves, and the targets by name."""

    file: NotifyFile
    plan: Plan
    targets: Mapping[str, Target]


def load(folder: Path, zone: str) -> Arranged:
    """Read config/notify.yaml; without one nobody is told. ConfigError names file and line."""
    path = folder / FILE
    if not path.exists():
        return arrange(NotifyFile(), zone)
    try:
        return arrange(msgspec.convert(read_yaml(path) or {}, NotifyFile), zone)
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(_named(path, str(error))) from error


@lru_cache(maxsize=8)
def parse(definition: str, zone: str) -> Arranged:
    """Return what a stored definition (its JSON text) says; ConfigError when it cannot be read."""
    try:
        return arrange(msgspec.json.decode(definition, type=NotifyFile), zone)
    except msgspec.DecodeError as error:
        raise ConfigError(f"notify plan in the database: {error}") from error


def arrange(file: NotifyFile, zone: str) -> Arranged:
    """Check what refers to what, and return the plan."""
    targets = {target.name: target for target in file.targets}
    _refuse_twice("targets", [target.name for target in file.targets])
    _refuse_twice("policies", [policy.name for policy in file.policies])
    for where, name in _told(file):
        rota = name.removeprefix(ROTA) if name.startswith(ROTA) else None
        if rota is None and name not in targets:
            raise ConfigError(f"no target named {name!r}; declare it in targets - at `$.{where}`")
        if rota is not None and rota not in file.rota:
            raise ConfigError(f"no rota named {rota!r}; declare it in rota - at `$.{where}`")
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"no time zone named {zone!r}") from error
    policies = tuple(_policy(n, policy) for n, policy in enumerate(file.policies))
    rotas = {
        name: tuple(_shift(f"rota.{name}[{n}]", shift) for n, shift in enumerate(shifts))
        for name, shifts in file.rota.items()
    }
    return Arranged(file, Plan(place, policies, rotas), targets)


def _told(file: NotifyFile) -> Iterator[tuple[str, str]]:
    for n, policy in enumerate(file.policies):
        yield from ((f"policies[{n}].tell", name) for name in policy.tell)
    for rota, shifts in file.rota.items():
        for n, shift in enumerate(shifts):
            yield from ((f"rota.{rota}[{n}].tell", name) for name in shift.tell)


def _refuse_twice(where: str, names: list[str]) -> None:
    for n, name in enumerate(names):
        if name in names[:n]:
            raise ConfigError(f"{name!r} stands twice - at `$.{where}[{n}].name`")


def _policy(n: int, file: PolicyFile) -> Policy:
    return Policy(
        name=file.name,
        tell=tuple(file.tell),
        severities=frozenset(Severity[one.upper()] for one in file.severity),
        kinds=frozenset(file.kind),
        communes=frozenset(file.commune),
        rules=frozenset(file.rule),
        hours=_hours(f"policies[{n}]", file.hours, file.days),
        escalation=file.escalation,
    )


def _shift(where: str, file: ShiftFile) -> Shift:
    if (file.since is None) != (file.turn_days is None):
        raise ConfigError(f"turns need both `since` and `turn_days` - at `$.{where}`")
    hours = _hours(where, file.hours, file.days)
    return Shift(tuple(file.tell), hours, file.since, file.turn_days or 0)


def _hours(where: str, text: str, days: list[Day]) -> Hours:
    held = frozenset(_DAYS.index(day) for day in days) or EVERY_DAY
    if not text:
        return ALWAYS._replace(days=held)
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ConfigError(f'hours {text!r}: write "22:00-06:00" - at `$.{where}.hours`')
    h1, m1, h2, m2 = (int(part) for part in found.groups())
    begin, end = h1 * 60 + m1, h2 * 60 + m2
    if begin >= DAY_MINUTES or end > DAY_MINUTES:
        raise ConfigError(f"hours {text!r}: a day ends at 24:00 - at `$.{where}.hours`")
    return Hours(begin, end % DAY_MINUTES, held)


def _named(path: Path, reason: str) -> str:
    """Put file and line in front of a reason that names its place in the document."""
    place = re.search(r"at `\$\.?(.*?)`", reason)
    line = _line(path, place[1]) if place else None
    shown = " ".join(reason.split())
    return f"{path}:{line}: {shown}" if line else f"{path}: {shown}"


def _line(path: Path, place: str) -> int | None:
    """Return the line on which `targets[1].address` stands, or the nearest part above it."""
    node = _composed(path)
    line: int | None = None
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]", place):
        below = _below(node, key, index)
        if below is None:
            break
        node = below
        line = node.start_mark.line + 1
    return line


def _composed(path: Path) -> Any:  # noqa: ANN401  PyYAML's nodes
    import yaml  # noqa: PLC0415  only to say where a fault is

    return yaml.compose(path.read_text(encoding="utf-8"))


def _below(node: Any, key: str, index: str) -> Any:  # noqa: ANN401  PyYAML's nodes
    if index.isdigit() and isinstance(node.value, list) and int(index) < len(node.value):
        return node.value[int(index)]
    pairs = node.value if isinstance(node.value, list) else []
    return next((v for k, v in (p for p in pairs if isinstance(p, tuple)) if k.value == key), None)
