"""`make soak-kills`: a platform's real processes are killed at random instants while people work.

They commit, merge and import, and the store is collected and compacted without pause. Afterwards everything that was
acknowledged has to be there, and nothing by half.
"""
