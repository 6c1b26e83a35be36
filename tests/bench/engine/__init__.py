"""The pure core beside its peers: the same operations on the same rows, in one run (docs/benchmarks.md).

`python -m tests.bench.engine` starts one process for each peer and asks them in turn, so that whatever else the machine
does meets all of them. Peers live in an environment of their own; one that is missing is said to be so.
"""
