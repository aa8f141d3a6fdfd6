"""The report as one HTML file: opens from disk, asks the network for nothing, reads without JavaScript.

document      the whole page, and what it leaves out first where it would grow beyond its limit
leaderboard   a board as a table: each number with both of its intervals drawn
spread        where an interval lies on its column's scale
record        one model on one task: the seeds behind its means and their locks, its samples, the command for all that
elsewhere     what was scored from files: its record, its samples, its command
pictures      samples as small embedded images, each beside its nearest training image
verdicts      the claims
recipes       the models of params.yaml, with their equations
charts        the planes, costs, curves and ladders: static SVG first, Vega-Lite for those who point at them
templates     HTML, style and script
"""
