"""Charts in Vega-Lite, each drawn once: as an SVG for the page and as a PNG for `reports/figures`.

chart                     the specification with its words, its table and its renderers
theme                     colours, axes, type
scatter, label_placement  models as points with names
precision_recall_plane, cost_chart, matched_curves, training_curves, conditioning_chart, objective_curves
"""
