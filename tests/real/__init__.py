"""`make real`: label pull requests that other people made, replayed through the running platform over HTTP.

Each case imports *before* as one user, forks as another, imports *after* onto a branch of the fork, opens a label
pull request, reads its changes, reviews, merges, and compares what was seen with what the data's README counts.
"""
