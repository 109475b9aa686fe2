"""CAP 1.2 (OASIS, ITU-T X.1303): one file a message and a feed of the newest, for other centres.

A raise is an Alert, a change an Update that refers to what was published before, a return an
Update with AllClear, a correction a Cancel, a test an Exercise. Times carry an offset, never `Z`
and never fractions of a second: the schema refuses both. The file is named by the message's key,
so a second attempt finds it there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from xml.etree import ElementTree as ET

import msgspec

from ioc.alerting.channels import Address, read_options
from ioc.alerting.channels.content import local
from ioc.domain.alert import Kind, Severity
from ioc.domain.instant import Micros
from ioc.domain.notification import Delivered, Facts, Form, Later, Message, Never, Receipt

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
_ATOM: Final = "http://www.w3.org/2005/Atom"
_FEED: Final = "feed.xml"
_NEWEST: Final = 100  # entries of the feed; a reader that polls each minute misses none of a storm
_SEVERITY: Final = {
    Severity.CRITICAL: "Extreme",
    Severity.HIGH: "Severe",
    Severity.MEDIUM: "Moderate",
    Severity.LOW: "Minor",
}
_CATEGORY: Final = {"camera": "Infra", "network": "Infra", "bts": "Infra", "rain": "Met"}
_CANCELS: Final = frozenset({Kind.CORRECTED})


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`sender` names this centre to all others: its domain name or address, without spaces."""

    sender: Annotated[str, msgspec.Meta(pattern=r"^[^\s,<&]+$")]
    sender_name: str = ""


class Cap:
    """Writes into the folder that a target's address names, below the centre's own data."""

    def __init__(self, options: Options, folder: Path) -> None:
        self._options = options
        self._folder = folder

    def deliver(self, message: Message, to: Address) -> Receipt:
        folder = (self._folder / to.address).resolve()
        if not folder.is_relative_to(self._folder.resolve()):
            return Never("the address leaves the folder of the centre's data")
        path = folder / f"{message.key.replace(':', '_')}.xml"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _write(path, document(message, self._options))
            _write(folder / _FEED, feed(folder, self._options, message.made_at))
        except OSError as error:
            return Later(f"cannot write {path}: {error.strerror}")
        return Delivered(path.name)


def document(message: Message, options: Options) -> bytes:
    """Return the message as CAP 1.2."""
    root = ET.Element("alert", xmlns=NAMESPACE)
    _add(root, "identifier", message.key)
    _add(root, "sender", options.sender)
    _add(root, "sent", _time(message.made_at))
    _add(root, "status", "Exercise" if message.form is Form.TEST else "Actual")
    _add(root, "msgType", _type(message))
    _add(root, "scope", "Public")
    if message.form is Form.TEST:
        _add(root, "note", message.subject)  # CAP asks an Exercise to say what it is
    if message.earlier:
        references = (f"{options.sender},{e.key},{_time(e.made_at)}" for e in message.earlier)
        _add(root, "references", " ".join(references))
    _info(root, message, options)
    return _bytes(root)


def _type(message: Message) -> str:
    if message.form is not Form.ALERT or not message.earlier:
        return "Alert"  # an Update must refer to something
    facts = message.facts[0]
    corrected = facts.kind is Kind.RTN and facts.corrected
    return "Cancel" if corrected or facts.kind in _CANCELS else "Update"


def _info(root: ET.Element, message: Message, options: Options) -> None:
    over = bool(message.facts) and all(facts.returned_at is not None for facts in message.facts)
    info = ET.SubElement(root, "info")
    _add(info, "language", "vi-VN")
    kinds = dict.fromkeys(_CATEGORY.get(facts.thing_kind, "Env") for facts in message.facts)
    for category in kinds or ("Other",):
        _add(info, "category", category)
    _add(info, "event", message.facts[0].rule_vi if message.facts else message.subject)
    _add(info, "responseType", "AllClear" if over else "Assess")
    _add(info, "urgency", "Past" if over else "Immediate")
    _add(info, "severity", _SEVERITY[message.severity])
    _add(info, "certainty", "Observed")
    if message.facts and message.form is Form.ALERT:
        _add(info, "onset", _time(message.facts[0].raised_at))
    if options.sender_name:
        _add(info, "senderName", options.sender_name)
    _add(info, "headline", message.subject)
    _add(info, "description", message.text)
    if message.form is Form.ALERT and message.facts[0].action_vi and not over:
        _add(info, "instruction", message.facts[0].action_vi)
    if message.url:
        _add(info, "web", message.url)
    for facts in message.facts if message.form is Form.ALERT else ():
        _parameters(info, facts)
    _areas(info, message)


def _parameters(info: ET.Element, facts: Facts) -> None:
    values = {
        "observed_property": facts.observed_property,
        "result": f"{facts.result:.{facts.decimals}f}",
        "unit": facts.unit,
        "limit": "" if facts.limit is None else f"{facts.limit:.{facts.decimals}f}",
        "legal_ref": facts.legal_ref or "",
        "alert": facts.alert,
    }
    for name, value in values.items():
        if value:
            parameter = ET.SubElement(info, "parameter")
            _add(parameter, "valueName", name)
            _add(parameter, "value", value)


def _areas(info: ET.Element, message: Message) -> None:
    """Add one area for each commune, with the points that are known in it."""
    areas: dict[str, list[Facts]] = {}
    for facts in message.facts:
        areas.setdefault(facts.area, []).append(facts)
    for code, held in areas.items():
        area = ET.SubElement(info, "area")
        _add(area, "areaDesc", held[0].commune_name or held[0].thing)
        points = {(f.lat, f.lon) for f in held if f.lat is not None and f.lon is not None}
        for lat, lon in sorted(points):
            _add(area, "circle", f"{lat:.5f},{lon:.5f} 0")
        if code:
            geocode = ET.SubElement(area, "geocode")
            _add(geocode, "valueName", "VN-commune")
            _add(geocode, "value", code)


def feed(folder: Path, options: Options, now: Micros) -> bytes:
    """Return an Atom feed of the newest files of a folder."""
    files = [path for path in folder.glob("*.xml") if path.name != _FEED]
    files.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    root = ET.Element("feed", xmlns=_ATOM)
    _add(root, "id", f"urn:ioc:cap:{options.sender}")
    _add(root, "title", f"CAP 1.2 {options.sender_name or options.sender}")
    _add(root, "updated", _time(now))
    for path in files[:_NEWEST]:
        entry = ET.SubElement(root, "entry")
        _add(entry, "id", f"urn:ioc:cap:{path.stem.replace('_', ':')}")
        _add(entry, "title", path.stem)
        _add(entry, "updated", _time(Micros(path.stat().st_mtime_ns // 1000)))
        ET.SubElement(entry, "link", href=path.name, type="application/cap+xml")
    return _bytes(root)


def _write(path: Path, body: bytes) -> None:
    """Write a file that is there whole or not at all, also when the power fails."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _bytes(root: ET.Element) -> bytes:
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _time(instant: Micros) -> str:
    return local(instant).isoformat(timespec="seconds")


def _add(parent: ET.Element, name: str, text: str) -> None:
    """Append an element; characters that XML cannot hold are left out."""
    kept = "".join(c for c in text if c.isprintable() or c in "\n\t")
    ET.SubElement(parent, name).text = kept


def build(options: Mapping[str, Any], folder: Path) -> Cap:
    """Return the channel; its files lie below `folder`."""
    return Cap(read_options("cap", options, Options), folder)
