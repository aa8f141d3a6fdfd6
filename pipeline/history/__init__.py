"""Results of different git revisions: how they differ beyond noise, and how the order of the models changed.

revisions    git: the revision of the work tree, the commits that changed a file, a file's text at a commit
result_set   the numbers of one revision, of the work tree, or of runs of MLflow
differences  two result sets -> improved, worse, within noise, or not comparable, number by number; regressions
timeline     result sets in order of time -> standings, what changed and why, champions
"""
