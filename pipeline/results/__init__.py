"""Measured numbers: read from the outputs of the cells, identified by protocol, collected in one table.

outcomes        each cell of the grid with its numbers, or why it has none
external        models that were trained elsewhere and scored from files
curve           the training curve of a cell
convergence     whether its validation score still rose at the end
protocol        what defines a number, and its id
column          how a metric is written
table           results.csv and its selections
published       numbers that papers state
reproduction    ours beside them, with a verdict
extrapolation   where a learning curve would end
conditioning    one model under ever richer conditions
"""
