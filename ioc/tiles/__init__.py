"""Vector tiles of layers that are too large for one document: MVT 2.1, points clustered. Pure.

Written here, since the encoder is small: what is drawn at one zoom is cut to a tile, rounded to its
grid, and packed as protobuf by hand.
"""

from __future__ import annotations

from typing import Final

MOST_FEATURES: Final = 20_000  # of one document: 3 MB gzipped, a second to read and draw
# Zooms below this are made at publishing, each of the whole layer; at it a tile is 9 km wide.
DETAIL: Final = 12
DEEPEST: Final = 15  # a tile is 1 km wide, its grid 30 cm: nearer the browser enlarges
MOST_IN_TILE: Final = 10_000  # features read for one tile; more points than that are clustered
CELLS: Final = 8  # of a tile's side: clusters are 64 pixels apart
# A cluster's id is this and its cell's place (row by row of the zoom's grid): beyond every id of a
# thing or a feature, within the whole numbers of a browser.
CLUSTER_IDS: Final = 2**48
SOURCE_LAYER: Final = "features"  # the name of the one layer in each tile
