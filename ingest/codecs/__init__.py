"""Codecs: bytes in, values out; one module a format, found by entry point `ioc.codecs`."""
