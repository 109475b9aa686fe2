"""Numbers as Vietnamese readers write them."""

from __future__ import annotations


def vietnamese(value: float, decimals: int) -> str:
    """Return `value` with a decimal comma, points between thousands and a true minus sign."""
    plain = f"{value:,.{decimals}f}"
    return plain.translate(str.maketrans(",.-", ".,\u2212"))
