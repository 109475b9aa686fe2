"""How evaluators share the datastreams: a fixed number of partitions, spread evenly over members.

Pure: who holds what is in the database (`ioc.storage.leases`); here is only what follows from it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ioc.domain.observation import DatastreamId

# One evaluator carries a province (100,000 datastreams x 20 rules) on a quarter of a core, so eight
# are more than a machine needs; each partition costs one row of offsets in every transaction.
PARTITIONS: Final = 8
# Knuth's multiplicative hash: ids that come in steps (eight datastreams of each station) spread
# evenly, where a remainder would put one observed property into one partition.
FACTOR: Final = 2_654_435_761
_BITS: Final = 32 - (PARTITIONS.bit_length() - 1)


def partition(datastream: DatastreamId) -> int:
    """Return the partition of a datastream, 0 to PARTITIONS - 1."""
    return (datastream * FACTOR & 0xFFFF_FFFF) >> _BITS


def fair(members: Collection[str], me: str) -> int:
    """Return how many partitions `me` should hold; over all members they are all of them."""
    ranked = sorted({*members, me})
    each, more = divmod(PARTITIONS, len(ranked))
    return each + (ranked.index(me) < more)
