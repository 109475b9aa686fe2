"""Redis: a projection and a bus. Losing it loses nothing: all of it is rebuilt from the database.

Keys (all below `Settings.redis_prefix`, "ioc:" by default); times are µs, a null result is NaN:

state      HASH  datastream id -> orjson [datastream, time, result|null, quality, flags, received]
                 newest phenomenon time wins (a Lua compare-and-set), never last arrived
seq        INT   number of the last delta
delta      PUB   orjson {"seq", "t": time of the commit,
                 "obs": [[datastream, time, result|null, quality, flags, received], …]}:
                 the newest observation of each datastream of one batch
stream     XADD  one entry a batch, fields w (writer), n (batch_no),
                 d (orjson {"d": [datastream …], "t": [time …], "r": [result|null …],
                 "q": [quality …], "f": [flags …]}): every row the batch inserted or corrected;
                 MAXLEN ~ 2000 batches
notice     PUB   orjson {"kind": "registry"|"layer"|"alert"|"rule", …}: read the database again
heartbeat  HASH  process ("ingest", "evaluator", "dispatcher", "layers", "simulate")
                 -> its last sign of life
metrics    HASH  ingest's client id, "/standby" behind it for one that waits
                 -> its numbers, an `ioc.exposition.Report`; an old one is of a process that is gone
"""
