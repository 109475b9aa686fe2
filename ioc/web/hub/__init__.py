"""The live state of one worker: one Redis subscription, one picture, a mailbox for each client."""

from ioc.web.hub.live import Hub, TooManyClientsError

__all__ = ["Hub", "TooManyClientsError"]
