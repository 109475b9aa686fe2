"""The web process: FastAPI with Dash mounted, one gate for every request, one hub for every screen.

`/live` (server-sent events). Events `snapshot`, `delta` and `heartbeat` carry one JSON object;
a delta holds only what changed, with the same keys. Instants are milliseconds since the epoch.

    seq      int, grows within one connection
    t        server time, ms: the browser's clock and every age are drawn from it
    states   {thing id: {"fresh": "live"|"late"|"silent"|"never", "severity": 0..4 (0 none),
              "acked": bool, "down": bool (it says itself that it is offline),
              "time": ms of the newest phenomenon | null,
              "values": {property: [result | null, ms, quality]}}}
    alerts   {"open": [≤ 50 rows, most urgent first], "counts": {"1": n, … "4": n}, "total": n,
              "unacked": n}; a row: {"id", "thing", "place", "commune", "property", "kind":
              "quantity"|"category" (the property's: a category's result is a state's number,
              no measurement), "name", "unit", "severity", "active", "acked", "acked_by",
              "stale", "simulated", "result", "peak", "limit", "op", "legal_ref", "action",
              "raised": ms, "returned": ms | null, "late", "corrected", "decimals"}
    counts   {"things": {"live": n, "late": n, "silent": n, "never": n},
              "kinds": {kind: {"total": n, "bad": n, "silent": n}}, "pending": n}
    feeds    [{"name", "title", "newest": ms | null, "limit_s": number, "fresh", "simulated"}]
    layers   {layer: version}: fetch /geo/{layer}/{version}.geojson when a version changes
    health   {"database": bool, "redis": bool, "ingest": ms of its last sign | null,
              "evaluator": ms | null, "dispatcher": ms | null,
              "broker": ms since when connected | null, "trial": bool}
    simulated  true as long as any shown value is

Layers: province, neighbours, communes, water, zones, things, bts. Point features of `things` and
`bts` have the thing's id as feature id and properties {"kind", "name", "short"}.
"""
