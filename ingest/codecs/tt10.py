"""Station files of Circular 10/2021/TT-BTNMT (Article 39, Appendix 15): one value a line.

`symbol, value, unit, yyyyMMddHHmmss, status`, without a header; one that stands there all the same
is ignored. Loggers differ in the separator,
the decimal sign and the name of the file, so all that was seen is understood: tab, `;`, `|`, comma
or blanks; CRLF; a byte order mark; several times in one file; no value where the status says why.
The station is the name of the file without its time. A line that cannot be read is refused alone:
a logger that lost its power ends a file in the middle of a line, or with a block of zeros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isnan
from typing import Any, Final, Literal

import msgspec

from ingest.codec import METADATA, Codec, Decoding, FeedView, Message
from ingest.reading import moments, paths
from ingest.reading.deletions import unless_deleted
from ingest.reading.json_values import read
from ingest.reading.options import read_options
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec
from ioc.domain.observation import Decoded, Flag, Quality

# A logger that was cut off for a month sends it in one file: 30 symbols each 5 minutes of a day are
# 8,640 lines; beyond this one message would fill a whole transaction (ingest.batch_cap).
MAX_LINES: Final = 10_000
_BOM: Final = b"\xef\xbb\xbf"
_SHOWN: Final = 80  # characters of a bad line in a refusal
_MAX_WORD: Final = 64  # of a symbol; the circular's longest have six characters
_COLUMNS: Final = 5
_TIME: Final = re.compile(r"[0-9]{14}")
_COMMAS: Final = re.compile(r",\s*[0-9]{14}\s*(,|$)")
_FILE: Final = re.compile(
    r"(?P<station>.*?)(_+20[0-9]{6}([0-9]{4}|[0-9]{6})?)?(\.txt)?", re.IGNORECASE | re.DOTALL
)
# The only symbol of the circular that holds a comma; in a file separated by commas it takes two.
_COMMA_SYMBOL: Final = ("PM2", "5")
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")

# Appendix 15 of the circular. What a symbol means only together with the kind of the station (air,
# chimney, water: Temp, Flow, SO2, P, Cl ...) is for the feed file to say.
SYMBOLS: Final[Mapping[str, DatastreamSpec]] = {
    symbol: DatastreamSpec(code)
    for code, symbols in {
        "ph": "pH PH",
        "tss": "TSS",
        "cod": "COD",
        "bod5": "BOD5",
        "nh4": "NH4",
        "total_p": "TP",
        "total_n": "TN",
        "toc": "TOC",
        "color": "Color COLOR Colour",
        "dissolved_oxygen": "DO",
        "pm10": "PM10",
        "pm25": "PM2,5 PM2.5 PM25",
    }.items()
    for symbol in symbols.split()
}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file that names this codec.

    `statuses`: codes beside the circular's 00, 01 and 02, where a station was agreed with to send
    them; every other code makes its value suspect.
    """

    statuses: dict[str, Literal["good", "calibrating", "fault", "suspect", "missing"]] = {}


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the decoder of a feed whose topic names the file: `…/{file}`. Raises ConfigError."""
    wanted = read_options(options, Options)
    if "file" not in feed.names:
        raise ConfigError(
            "the topic of station files needs a level {file}: the file tells the station"
        )
    return Codec(unless_deleted(_Reader(wanted, feed).decode), SYMBOLS)


class _Reader:
    def __init__(self, options: Options, feed: FeedView) -> None:
        self._file = paths.name("{file}", feed.names)
        self._moment = moments.reader("%Y%m%d%H%M%S", feed.zone)
        self._statuses = {
            "00": Quality.GOOD,
            "01": Quality.CALIBRATING,
            "02": Quality.FAULT,
        } | {code: Quality[word.upper()] for code, word in options.statuses.items()}

    def decode(self, message: Message) -> Decoding:
        """Read one file; PayloadError when it is none or its name tells no station."""
        thing = self._station(message)
        found = Decoding()
        times: dict[str, tuple[Micros, Flag]] = {}  # most lines of a file have one time
        lines = _lines(message.payload)
        if _is_header(lines[0]):
            found.outcomes.append(METADATA)
            del lines[0]
        cut = lines[-1] if lines and message.payload[-1:] not in b"\r\n" else b""
        for line in lines:
            try:
                found.outcomes.append(self._value(thing, line, times, whole=line is not cut))
            except PayloadError as error:
                found.outcomes.append(error)
        return found

    def _station(self, message: Message) -> str:
        name = self._file(message.parts, None, None)
        matched = _FILE.fullmatch(name)
        station = matched["station"].strip() if matched else ""
        if not station:
            raise PayloadError("no_thing", name)
        return station

    def _value(
        self, thing: str, line: bytes, times: dict[str, tuple[Micros, Flag]], *, whole: bool
    ) -> Decoded:
        symbol, raw, unit, moment, status = _columns(_text(line))
        if not symbol:
            raise PayloadError("unnamed_channel", _shown(line))
        if len(symbol) > _MAX_WORD or len(unit) > paths.MAX_UNIT:
            raise PayloadError("bad_line", _shown(line))
        if not (symbol.isprintable() and unit.isprintable()):
            raise PayloadError("bad_line", _shown(line))
        if moment not in times:
            times[moment] = self._time(moment)
        time, flag = times[moment]
        try:
            result = read(raw, None)
        except PayloadError as error:
            raise PayloadError(error.reason, f"{symbol}: {error.detail}") from error
        if whole and len(status) == 1 and status not in self._statuses:
            status = f"0{status}"  # a spreadsheet between logger and file drops the zero
        quality = self._statuses.get(status, Quality.SUSPECT)
        if isnan(result) and quality in (Quality.GOOD, Quality.SUSPECT):
            quality = Quality.MISSING
        return Decoded(thing, symbol, time, result, unit or None, quality, flag)

    def _time(self, moment: str) -> tuple[Micros, Flag]:
        """Read a time; a line without one is refused: files come late, so no other can stand in."""
        if not _TIME.fullmatch(moment):
            raise PayloadError("bad_time", moment[:_SHOWN])
        instant, flag = self._moment(moment)
        if instant is None:
            raise PayloadError("bad_time", moment)
        return instant, flag


def _lines(payload: bytes) -> list[bytes]:
    """Return the lines that hold something; PayloadError empty, binary, too_many_records."""
    found = [line for line in payload.removeprefix(_BOM).splitlines() if line.strip()]
    if not found:
        raise PayloadError("empty")
    if len(found) > MAX_LINES:
        raise PayloadError("too_many_records", str(len(found)))
    if all(_CONTROLS.search(line) for line in found):
        raise PayloadError("binary")
    return found


def _is_header(line: bytes) -> bool:
    """Tell whether a line names the columns: five words, no digit where value and time stand."""
    try:
        _, value, _, moment, _ = _columns(_text(line))
    except PayloadError:
        return False
    return value.isprintable() and not any(c.isdigit() for c in value + moment) and bool(moment)


def _text(line: bytes) -> str:
    """Return a line as text; a µ in the code page of Windows, as older loggers write it, is one.

    PayloadError binary, not_utf8.
    """
    if _CONTROLS.search(line):
        raise PayloadError("binary", _shown(line))
    try:
        return line.decode()
    except UnicodeDecodeError:
        pass
    try:
        return line.replace(b"\xb5g", "µg".encode()).decode()
    except UnicodeDecodeError as error:
        raise PayloadError("not_utf8", _shown(line)) from error


def _columns(line: str) -> list[str]:
    """Return the five columns of a line; PayloadError bad_line.

    A column that is left out at the end is the status; one left out of a line separated by blanks
    is the value.
    """
    found = [column.strip() for column in _split(line)]
    while len(found) > _COLUMNS and not found[-1]:
        found.pop()  # a separator at the end of the line
    if len(found) == _COLUMNS - 1:
        if _TIME.fullmatch(found[-1]):
            found.append("")
        elif _TIME.fullmatch(found[-2]):
            found.insert(1, "")
    if len(found) != _COLUMNS:
        raise PayloadError("bad_line", line[:_SHOWN])
    return found


def _split(line: str) -> list[str]:
    for separator in "\t;|":
        if separator in line:
            return line.split(separator)
    if not _COMMAS.search(line):
        return line.split()
    found = line.split(",")
    if tuple(found[:2]) == _COMMA_SYMBOL and len(found) > _COLUMNS:
        return [",".join(_COMMA_SYMBOL), *found[2:]]
    return found  # a decimal comma in such a line gives six columns: it can be two things


def _shown(line: bytes) -> str:
    return paths.shown(line[:_SHOWN].decode("utf-8", "backslashreplace"))
