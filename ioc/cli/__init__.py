"""The `ioc` command: thin wiring from words on a command line to one function each.

A group of commands that grows has a module of its own (`rules`), which `main` mounts.
"""
