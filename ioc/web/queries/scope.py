"""The conditions that keep a query within the scope of who asks (`identity.limits`)."""

from typing import Final, LiteralString

from ioc.domain.layer import BASE_LAYERS
from ioc.web.identity import limits

# Where the query has `thing t`; a thing without a commune is in no limited area.
WITHIN: Final[LiteralString] = (
    " and (%(areas)s::text[] is null or exists (select 1 from location where thing_id = t.id"
    "  and commune_code = any(%(areas)s)))"
    " and (%(domains)s::text[] is null or t.kind = any(%(domains)s))"
)
# Where it has a feed's name as `f.name`: what no thing of its own can be found for (a refused
# message, say) is shown to those alone who see every thing of the feed.
FEED_WITHIN: Final[LiteralString] = (
    " and (%(areas)s::text[] is null and %(domains)s::text[] is null"
    "  or exists (select 1 from thing t where t.feed = f.name)"
    "  and not exists (select 1 from thing t where t.feed = f.name and not (true" + WITHIN + ")))"
)
# Where it has `alert a` alone.
ALERT_WITHIN: Final[LiteralString] = (
    " and (%(areas)s::text[] is null and %(domains)s::text[] is null"
    "  or exists (select 1 from thing t where t.id = a.thing_id" + WITHIN + "))"
)
# Where it has rows of `layer_feature f`: an imported feature is in the commune it was joined to.
FEATURE_WITHIN: Final[LiteralString] = (
    " and (%(areas)s::text[] is null or f.commune_code = any(%(areas)s))"
)


def limited(layer: str = "") -> bool:
    """Tell whether who asks sees a part of `layer`; of the base map everybody sees all."""
    return layer not in BASE_LAYERS and any(one is not None for one in limits().values())


def closed(layer: str) -> bool:
    """Tell whether a layer is named by a kind of things that who asks has nothing to do with."""
    domains = limits()["domains"]
    return domains is not None and layer == "bts" and layer not in domains
