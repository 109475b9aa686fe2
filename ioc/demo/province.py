"""A province at true scale: 4,500 simulated things, the same for the same seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, radians
from typing import Final

from ioc.demo.geography import Geography
from ioc.domain.location import KM_PER_DEGREE, Outline, Place, Point, Province, Seat, contains

AIR: Final = ("pm25", "pm10", "temperature", "humidity", "noise")
EFFLUENT: Final = ("cod", "ph")
RAIN: Final = ("rain_10min", "rain_1h")
RESERVOIR: Final = ("water_level", "inflow")
WATER: Final = ("chlorine", "turbidity", "ph", "pressure")

OPERATORS: Final = (("Viettel", 42), ("VNPT", 28), ("MobiFone", 22), ("Vietnamobile", 8))

_SITES: Final = {  # industrial parks by the commune they lie in
    "Amata": "26020",
    "Biên Hòa 2": "26041",
    "Hố Nai": "26005",
    "Sông Mây": "26278",
    "Tam Phước": "26374",
    "Long Thành": "26383",
    "Gò Dầu": "26422",
    "Nhơn Trạch 3": "26485",
    "Minh Hưng": "25441",
    "Chơn Thành": "25432",
}
# Reservoirs by the commune they lie in or next to; full supply level, m (invented, plausible).
_RESERVOIRS: Final = (
    ("Trị An", "26170", 62.0),
    ("Thác Mơ", "25217", 218.0),
    ("Cần Đơn", "25308", 110.0),
    ("Srok Phu Miêng", "25255", 72.0),
    ("Sông Mây", "26278", 41.0),
    ("Đa Tôn", "26209", 146.0),
    ("Gia Ui", "26446", 92.0),
    ("Núi Le", "26425", 113.0),
    ("Cầu Mới", "26347", 61.0),
    ("Suối Vọng", "26341", 134.0),
    ("Suối Giai", "25378", 82.0),
    ("Suối Lam", "25387", 93.0),
    ("Suối Cam", "25210", 73.0),
    ("Đồng Xoài", "25390", 71.0),
    ("Bù Môn", "25396", 335.0),
    ("Đak Ơ", "25225", 301.0),
    ("Lộc Quang", "25292", 105.0),
    ("Rừng Cấm", "25279", 118.0),
    ("Lộc Thạnh", "25280", 121.0),
    ("Bà Hào", "26173", 51.0),
)
_AIR_COUNT: Final = 50
_RAIN_COUNT: Final = 80
_WATER_COUNT: Final = 40
_CAMERA_COUNT: Final = 500
_NETWORK_COUNT: Final = 300
_BTS_COUNT: Final = 3500

_DEPARTMENTS: Final = (
    "Văn phòng UBND thành phố",
    "Sở Tài chính",
    "Sở Xây dựng",
    "Sở Nông nghiệp và Môi trường",
    "Sở Khoa học và Công nghệ",
    "Sở Y tế",
    "Sở Giáo dục và Đào tạo",
    "Sở Nội vụ",
    "Sở Tư pháp",
    "Sở Công Thương",
    "Sở Văn hóa, Thể thao và Du lịch",
    "Thanh tra thành phố",
    "Công an thành phố",
    "Trung tâm Dữ liệu",
    "Đài Phát thanh và Truyền hình",
)
_OFFICES: Final = (
    ("UBND", "UBND"),
    ("Đảng ủy", "Đảng ủy"),
    ("Trung tâm Phục vụ hành chính công", "HCC"),
)
_CAPITAL: Final = "26041"  # Phường Trấn Biên
_SPREAD_KM: Final = {"Phường": 1.6, "Xã": 2.6}
_URBAN_WEIGHT: Final = 4  # a ward has as many cameras as four rural communes


@dataclass(frozen=True, slots=True)
class Unit:
    """One simulated thing; `number` is its own among all, `level` a reservoir's full supply, m."""

    number: int
    feed: str
    external_id: str
    kind: str
    name: str
    short_name: str
    place: Place
    properties: tuple[str, ...]
    level: float = 0.0


@dataclass(frozen=True, slots=True)
class Site:
    """A unit before it is numbered and placed for good."""

    feed: str
    external_id: str
    kind: str
    name: str
    short_name: str
    at: Point
    properties: tuple[str, ...]
    level: float = 0.0


def build(seed: int, geography: Geography) -> tuple[Unit, ...]:
    """Return all units: 200 stations, 500 cameras, 300 network points, 3,500 base stations."""
    home = geography.province
    sites = [
        *_stations(seed, home),
        *_cameras(_rng(seed, "camera"), home),
        *_network(home),
        *_bts(_rng(seed, "bts"), geography),
    ]
    return tuple(
        Unit(
            number,
            site.feed,
            site.external_id,
            site.kind,
            site.name,
            site.short_name,
            home.place(*site.at),
            site.properties,
            site.level,
        )
        for number, site in enumerate(sites)
    )


def _rng(seed: int, what: str) -> random.Random:
    return random.Random(f"{seed}:{what}")  # noqa: S311  a repeatable province, no secret


def bare(name: str) -> str:
    """Return a commune's name without its title, as the wall's short names use it."""
    return name.removeprefix("Phường ").removeprefix("Xã ")


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _stations(seed: int, home: Province) -> Iterator[Site]:
    rng = _rng(seed, "station")
    by_code = {seat.code: seat for seat in home.seats}
    yield from _environment(rng, home, by_code)
    for n, seat in enumerate(_chosen(rng, home.seats, _RAIN_COUNT), 1):
        name, at = bare(seat.name), _scatter(rng, home, seat)
        yield Site(
            "demo-rain", f"M{n:03d}", "rain", f"Trạm đo mưa {_lower(seat.name)}",
            f"Mưa {name}", at, RAIN,
        )  # fmt: skip
    for n, (name, code, level) in enumerate(_RESERVOIRS, 1):
        yield Site(
            "demo-reservoir", f"H{n:02d}", "reservoir", f"Hồ chứa {name}", f"Hồ {name}",
            _scatter(rng, home, by_code[code]), RESERVOIR, level,
        )  # fmt: skip
    for n, seat in enumerate(_chosen(rng, home.seats, _WATER_COUNT), 1):
        yield Site(
            "demo-water", f"N{n:03d}", "water", f"Trạm cấp nước {_lower(seat.name)}",
            f"Cấp nước {bare(seat.name)}", _scatter(rng, home, seat), WATER,
        )  # fmt: skip


def _environment(rng: random.Random, home: Province, by_code: dict[str, Seat]) -> Iterator[Site]:
    for n, seat in enumerate(_chosen(rng, home.seats, _AIR_COUNT), 1):
        yield Site(
            "demo-environment", f"KK{n:03d}", "environment",
            f"Trạm quan trắc không khí {_lower(seat.name)}", f"Không khí {bare(seat.name)}",
            _scatter(rng, home, seat), AIR,
        )  # fmt: skip
    for n, (park, code) in enumerate(_SITES.items(), 1):
        yield Site(
            "demo-environment", f"NT{n:03d}", "environment",
            f"Trạm quan trắc nước thải KCN {park}", f"Nước thải KCN {park}",
            _scatter(rng, home, by_code[code]), EFFLUENT,
        )  # fmt: skip


def _cameras(rng: random.Random, home: Province) -> Iterator[Site]:
    weights = [_URBAN_WEIGHT if s.name.startswith("Phường") else 1 for s in home.seats]
    seen: dict[str, int] = {}
    for n, seat in enumerate(rng.choices(home.seats, weights, k=_CAMERA_COUNT), 1):
        seen[seat.code] = seen.get(seat.code, 0) + 1
        which = f"{seen[seat.code]:02d}"
        yield Site(
            "demo-cameras", f"CAM{n:04d}", "camera", f"Camera {which} {_lower(seat.name)}",
            f"Camera {bare(seat.name)} {which}", _scatter(rng, home, seat), ("camera_status",),
        )  # fmt: skip


def _network(home: Province) -> Iterator[Site]:
    """Three offices in each commune, a few metres apart, and the departments of the city."""
    shape = ("demo-network", "network", ("network_status",))
    for n, (long, short) in enumerate(_OFFICES):
        for seat in home.seats:
            at = (round(seat.lon + 0.0015 * (n - 1), 5), round(seat.lat + 0.001 * (n % 2), 5))
            yield Site(
                shape[0], f"TSLCD-{short_code(n)}{seat.code}", shape[1],
                f"{long} {_lower(seat.name)}", f"{short} {bare(seat.name)}", at, shape[2],
            )  # fmt: skip
    capital = next(seat for seat in home.seats if seat.code == _CAPITAL)
    for n, name in enumerate(_DEPARTMENTS[: _NETWORK_COUNT - len(_OFFICES) * len(home.seats)]):
        at = (capital.lon + 0.004 * (n % 5 - 2), capital.lat + 0.004 * (n // 5 + 1))
        yield Site(
            shape[0], f"TSLCD-S{n + 1:02d}", shape[1], name, name, _inward(at, capital, home),
            shape[2],
        )  # fmt: skip


def short_code(office: int) -> str:
    """Return the letter of an office in the network point's code."""
    return "UDH"[office]


def _bts(rng: random.Random, geography: Geography) -> Iterator[Site]:
    operators = [name for name, _ in OPERATORS]
    shares = [share for _, share in OPERATORS]
    for n, at in enumerate(_darts(rng, geography), 1):
        code = f"DNI{n:04d}"
        operator = rng.choices(operators, shares)[0]
        yield Site(
            "demo-bts", code, "bts", f"Trạm BTS {code} ({operator})", f"BTS {code}", at,
            ("bts_status",),
        )  # fmt: skip


def _darts(rng: random.Random, geography: Geography) -> Iterator[Point]:
    """Throw darts near points of interest and seats; none lands closer to another than `gap`.

    Each centre gets its own spacing, so towns are dense and forests are not. A tenth of the darts
    fall anywhere in the outline: roads between the towns.
    """
    home = geography.province
    centres = [*geography.pois, *((s.lon, s.lat) for s in home.seats for _ in range(3))]
    lons, lats = zip(*home.rings[0], strict=True)
    box = (min(lons), min(lats), max(lons), max(lats))
    grid: dict[tuple[int, int], list[Point]] = {}
    made, gap = 0, 1.2
    while made < _BTS_COUNT:
        if rng.random() < 0.1:  # noqa: PLR2004  the share named above
            at = (rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3]))
        else:
            at = _near(rng, rng.choice(centres), rng.choice((1.0, 2.5, 6.0)))
        gap = max(0.12, gap * 0.9997)  # km; a full neighbourhood must not stop the throwing
        if _free(grid, at, gap) and contains(home.rings, *at):
            grid.setdefault(_cell(at), []).append(at)
            made += 1
            yield (round(at[0], 5), round(at[1], 5))


_CELL: Final = 0.012  # degrees: larger than the widest gap, so a dart's neighbours are in 3 x 3


def _cell(at: Point) -> tuple[int, int]:
    return int(at[0] / _CELL), int(at[1] / _CELL)


def _free(grid: dict[tuple[int, int], list[Point]], at: Point, gap: float) -> bool:
    x, y = _cell(at)
    return all(
        _km(at, other) >= gap
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
        for other in grid.get((x + dx, y + dy), ())
    )


def _km(a: Point, b: Point) -> float:
    return hypot((a[0] - b[0]) * cos(radians(a[1])), a[1] - b[1]) * KM_PER_DEGREE


def _near(rng: random.Random, centre: Point, spread_km: float) -> Point:
    north = rng.gauss(0, spread_km) / KM_PER_DEGREE
    east = rng.gauss(0, spread_km) / KM_PER_DEGREE / cos(radians(centre[1]))
    return centre[0] + east, centre[1] + north


def _scatter(rng: random.Random, home: Province, seat: Seat) -> Point:
    """Return a place around a seat, inside the outline where the seat itself is."""
    at = _near(rng, (seat.lon, seat.lat), _SPREAD_KM[seat.name.split()[0]])
    return _inward(at, seat, home)


def _inward(at: Point, seat: Seat, home: Province) -> Point:
    """Pull a point towards its seat until it lies inside; give up at the seat."""
    for _ in range(5):
        if home.place(*at).outline is Outline.INSIDE:
            break
        at = ((at[0] + seat.lon) / 2, (at[1] + seat.lat) / 2)
    return round(at[0], 5), round(at[1], 5)


def _chosen(rng: random.Random, seats: Sequence[Seat], count: int) -> list[Seat]:
    """Return distinct seats, spread over the province, in the order of their codes."""
    return sorted(rng.sample(seats, count), key=lambda seat: seat.code)
