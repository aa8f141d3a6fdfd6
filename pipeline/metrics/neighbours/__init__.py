"""Exact nearest neighbours: distances to the k-th neighbour, and memberships in balls of such radii.

    squared_radii(x, (3, 5))             of each point, to its 3rd and 5th nearest other point
    memberships(real=x, fake=y, ...)     which points lie in the balls of the other sample

All distances that decide are float64 differences, so that both say the same on ties. They are bounded first, in blocks,
by products of rows: in float32 or float64 on any device that has float64, in int8 on CPUs with instructions for it.
Results are on the device of the points. The k-d tree of few dimensions is on the CPU.
"""

from pipeline.metrics.neighbours.halves import Scores, scores_of_halves, scores_without_each_real
from pipeline.metrics.neighbours.memberships import Memberships, memberships
from pipeline.metrics.neighbours.nearest import distances, nearest, squared, squared_radii

__all__ = [
    "Memberships",
    "Scores",
    "distances",
    "memberships",
    "nearest",
    "scores_of_halves",
    "scores_without_each_real",
    "squared",
    "squared_radii",
]
