"""Statistics of measured numbers: which metrics can tell the controls apart.

admission    whether a metric is informative on a task, decided by the control models
"""
