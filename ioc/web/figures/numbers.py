"""Numbers as Vietnamese readers write them, for figures."""

from ioc.text.numbers import vietnamese

__all__ = ["vietnamese"]
