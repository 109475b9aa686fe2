"""Rules as people write them, for every process that reads one.

`definition` is the file and the stored form, and what of it the engine sees (`bind`). The engine
itself is `ioc.domain`; nothing here opens a connection.
"""
