"""GDAL's client in a process of its own: while it reads, it lets no other thread of Python run.

`python -m tests.integration.gdal_reader ADDRESS TOKEN '{"layer": …}'` prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pyogrio
import shapely
from pyogrio import raw


def main() -> None:
    """Read a layer, or list them where none is named."""
    address, token, asked = sys.argv[1:]
    options: dict[str, Any] = json.loads(asked)
    pyogrio.set_gdal_config_options({"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": token})
    if "bbox" in options:
        options["bbox"] = tuple(options["bbox"])
    source = f"OAPIF:{address}"
    if "layer" not in options:
        print(json.dumps([str(name) for name, _ in pyogrio.list_layers(source)]))  # noqa: T201
        return
    start = time.perf_counter()
    meta, _, shapes, data = raw.read(source, **options)
    took = time.perf_counter() - start
    places = shapely.get_coordinates(shapely.from_wkb(shapes)).tolist()
    found = [str(one) for one in data[list(meta["fields"]).index("code")]]
    print(json.dumps({"codes": found, "places": places, "seconds": took}))  # noqa: T201


if __name__ == "__main__":
    main()
