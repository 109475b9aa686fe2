"""What is read of the audit."""

from ioc.storage.audit import Line, Wanted, actions, lines

__all__ = ["Line", "Wanted", "actions", "lines"]
