"""Benchmarks: ratios measured in one run, printed as one JSON object (`report`), exit code 0.

`python -m bench.ingest --json` and `python -m bench.live --json`; both know `--quick` and `--only`.
What is measured is real and seen from outside: processes of the product on the services of
`tests.services`. `load`, `relay` and `naive` are tools of ours that run as processes of their own.
"""
