"""The fibre network as a graph: what a cut takes away, and which cut explains a silence.

`plan` is what the layers say; `joining` makes the graph of it; `graph` finds what hangs on what;
`cut` answers questions about cuts; `suspicion` ranks cuts that explain a silence. No I/O.
"""
