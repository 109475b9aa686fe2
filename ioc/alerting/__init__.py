"""Evaluation and delivery of alerts.

`evaluator` decides with `ioc.domain` and is given its ports; `__main__` holds the connections.
`dispatcher` is the process that tells people what the outbox holds: it groups with `ioc.domain`,
`wording` writes the message, `delivery` hands it to one of `channels`.
"""
