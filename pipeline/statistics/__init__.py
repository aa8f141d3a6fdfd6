"""Statistics of measured numbers. The training seed is the unit of replication.

intervals     Student's and Welch's t intervals over seeds
admission     whether a metric is informative on a task, decided by the control models
comparison    all pairs of models: t tests, Holm's correction, letters, P(best), seeds needed
ranks         ranges of ranks that overlapping intervals leave open
"""
