"""From the broker to committed history.

topic -> feed -> codec -> quality -> one transaction a batch -> one acknowledgement -> live state.
`pipeline` decides and is given its ports; `__main__` is the only module that holds connections.
"""
