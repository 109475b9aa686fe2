"""Whether a camera records, as every camera format tells it: the codes of `recording_status`."""

from __future__ import annotations

from typing import Final

RECORDING: Final = {"on": 0, "off": 1, "fault": 2}
