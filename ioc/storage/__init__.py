"""PostgreSQL and TimescaleDB: modules of functions that take a connection.

One module a noun; SQL stands beside the function that maps its rows. Nothing here decides.
"""
