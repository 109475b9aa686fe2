"""Evaluation and delivery of alerts.

`evaluator` decides with `ioc.domain` and is given its ports; `__main__` holds the connections.
"""
