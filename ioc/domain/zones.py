"""Which VN-2000 zones a province's files are in: EPSG's areas of use, old provinces joined.

Merged provinces inherit files of two or three zones, so this only breaks a tie between zones that
fit alike; it decides nothing by itself.
"""

from __future__ import annotations

from typing import Final

LOCAL: Final = {  # code of the province (34 units) -> EPSG codes
    "01": (5897,), "04": (9210,), "08": (9211, 9209), "11": (9205,), "12": (9205,),
    "14": (9206,), "15": (9208,), "19": (9213,), "20": (9215,), "22": (5899,),
    "24": (9209, 9214), "25": (9208, 5897, 9211), "31": (9210, 9209), "33": (9209,),
    "37": (5897, 9209), "38": (5897,), "40": (9208,), "42": (9209,), "44": (9212, 9211),
    "46": (9214,), "48": (5899,), "51": (5898, 9216), "52": (9218, 9217), "56": (9217,),
    "66": (9218,), "68": (5899, 9218), "75": (5899, 9212), "79": (9210, 5899),
    "80": (9209, 9210), "82": (5897, 9210), "86": (9209, 9210), "91": (9208, 9207),
    "92": (5897, 9209), "96": (9207, 5897),
}  # fmt: skip
