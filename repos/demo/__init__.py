"""Generated data sets of the demonstration: deterministic, made here or shipped by scikit-learn; no file is downloaded.

Each set knows its truth and the mistakes planted in the published labels, so that the demonstration's pull requests
correct something real. A set is handed over as ordinary files in ordinary formats and takes the same road as
anybody's import.
"""
