"""VN_AQI and VN_WQI against worked examples, at their edges, and through `ioc index`."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from ioc.cli.index import app
from ioc.domain import aqi, wqi
from ioc.domain.aqi import Pollutant
from ioc.domain.errors import ConfigError

VECTORS: Final = json.loads(
    (Path(__file__).parent / "index_vectors.json").read_text(encoding="utf-8")
)


def cases(key: str) -> list[Any]:
    """Return the vectors of one kind as test parameters."""
    rows = enumerate(VECTORS[key])
    return [pytest.param(row, id=row.get("name", str(number))) for number, row in rows]


def ask(command: str, data: object) -> Result:
    """Run `ioc index` in this process: a start of Python for each vector takes a second."""
    text = data if isinstance(data, str) else json.dumps(data)
    return CliRunner().invoke(app, [command, "--json"], input=text)


@pytest.mark.parametrize("row", cases("aqi_sub"))
def test_sub_index_of_air(row: dict[str, Any]) -> None:
    """AQIx, its integer and its category are those of QĐ 1459."""
    found = aqi.sub_index(Pollutant(row["p"]), row["c"])
    assert found == pytest.approx(row["raw"], abs=1e-6)
    assert found is not None
    assert aqi.rounded(found) == row["aqi"]


@pytest.mark.parametrize("row", cases("nowcast"))
def test_nowcast(row: dict[str, Any]) -> None:
    """Missing hours weigh nothing, and two of the newest three must be there."""
    found = aqi.nowcast(row["c_newest_first"])
    assert found == (None if row["nowcast"] is None else pytest.approx(row["nowcast"], abs=1e-6))


@pytest.mark.parametrize(
    ("command", "row"),
    [pytest.param(c, *p.values, id=str(p.id)) for c in ("aqi_hour", "aqi_day") for p in cases(c)],
)
def test_air_by_the_command(command: str, row: dict[str, Any]) -> None:
    """What a person gets on the command line is the index, its category and what it is due to."""
    done = ask(command.replace("_", "-"), row["data"])
    answer = json.loads(done.stdout)
    assert {key: answer[key] for key in ("index", "dominant", "category")} == {
        key: row[key] for key in ("index", "dominant", "category")
    }
    assert (answer["reason"] is None) == (row["index"] is not None)


@pytest.mark.parametrize("row", cases("wqi_si"))
def test_sub_index_of_water(row: dict[str, Any]) -> None:
    """Each breakpoint, its jump and what lies beyond the table are those of QĐ 1460."""
    assert wqi.sub_index(row["p"], row["c"]) == pytest.approx(row["si"], abs=1e-6)


@pytest.mark.parametrize("row", cases("ph"))
def test_acidity(row: dict[str, Any]) -> None:
    """PH has a plateau and two cliffs."""
    assert wqi.sub_index("pH", row["ph"]) == pytest.approx(row["si"], abs=1e-6)


@pytest.mark.parametrize("row", cases("do"))
def test_oxygen(row: dict[str, Any]) -> None:
    """Oxygen is judged in per cent of saturation at the water's temperature."""
    share = wqi.saturation(row["do"], row["T"])
    assert share == pytest.approx(row["pct"], abs=1e-3)
    assert wqi.sub_index("DO", share) == pytest.approx(row["si"], abs=1e-3)


@pytest.mark.parametrize("row", cases("wqi"))
def test_water(row: dict[str, Any]) -> None:
    """The whole index, with and without weights, and its category."""
    for weighted, key in ((False, "unweighted"), (True, "weighted")):
        assert wqi.water(row["data"], weighted=weighted).raw == pytest.approx(row[key], abs=1e-3)
    answer = json.loads(ask("wqi", row["data"]).stdout)
    assert answer["category"] == row["cat"]
    assert answer["raw"] == pytest.approx(row["unweighted"], abs=1e-3)


def test_water_without_enough() -> None:
    """A river station with pH and group IV alone has no index, and the reason says why."""
    river = {"pH": 7.0, "DO": 6.0, "T": 28.0, "COD": 12.0, "TOC": 4.0, "N_NH4": 0.2}
    found = wqi.water(river)
    assert (found.index, found.reason) == (None, wqi.Missing.FEW_GROUPS)
    assert found.sub_indices["COD"] == 90.0
    cold = {name: value for name, value in river.items() if name != "T"} | {"Coliform": 100.0}
    assert "DO" not in wqi.water(cold).sub_indices
    few = {"pH": 7.0, "COD": 12.0, "TOC": 4.0, "Coliform": 100.0}
    assert wqi.water(few).reason is wqi.Missing.FEW_ORGANIC
    assert wqi.water({"pH": -1.0}).reason is wqi.Missing.NO_DATA


@given(st.sampled_from(Pollutant), st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_pollution_is_never_better(pollutant: Pollutant, one: float, other: float) -> None:
    """A sub-index of air never falls when the concentration rises, and stays within 0 … 500."""
    low, high = sorted((one, other))
    better, worse = aqi.sub_index(pollutant, low), aqi.sub_index(pollutant, high)
    assert better is None or 0 <= better <= aqi.TOP
    assert better is None or worse is None or better <= worse + 1e-9


@given(st.sampled_from(sorted(set(wqi.PARAMETERS) - {"T"})), st.floats(0, 1e6))
def test_water_stays_within_its_scale(parameter: str, value: float) -> None:
    """A sub-index of water lies within 10 … 100."""
    assert 10 <= wqi.sub_index(parameter, value) <= 100


@given(st.lists(st.one_of(st.none(), st.floats(0, 900)), min_size=3, max_size=12))
def test_nowcast_lies_between_its_hours(means: list[float | None]) -> None:
    """A weighted mean is never beyond the means it is made of."""
    found = aqi.nowcast(means)
    present = [mean for mean in means if mean is not None]
    assert found is None or min(present) - 1e-9 <= found <= max(present) + 1e-9


def test_half_is_rounded_up() -> None:
    """108.5 is 109 and a float's noise below a half does not matter."""
    assert [aqi.rounded(x) for x in (108.5, 109.5, 109.49999999, 59.35)] == [109, 110, 110, 59]
    assert aqi.sub_index(Pollutant.PM25, math.nan) is None


@pytest.mark.parametrize(
    ("command", "data", "names"),
    [
        ("aqi-hour", {"pm2.5": [1]}, "pm25"),
        ("aqi-hour", {"pm25": 20.6}, "pm25"),
        ("aqi-hour", {"pm25": [1] * 13}, "12"),
        ("aqi-day", {"no2_max": "5"}, "no2_max"),
        ("wqi", {"pH": True}, "pH"),
        ("wqi", {"weighted": 1}, "weighted"),
        ("wqi", [1], "JSON"),
        ("wqi", "{", "JSON"),
    ],
)
def test_what_is_misspelt_is_refused(command: str, data: object, names: str) -> None:
    """The refusal names what is wrong; nothing is computed from half a sample."""
    done = ask(command, data)
    assert done.stdout == ""
    assert isinstance(done.exception, ConfigError)
    assert names in str(done.exception)


def test_a_refusal_is_one_line_and_exit_code_2() -> None:
    """Whoever calls the command from a script gets a line on standard error, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "ioc.cli", "index", "wqi"],
        input="{",
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
