"""Charts of the page, in Vega-Lite.

chart     what a chart is: its specification, its words and its table
theme     colours, markers and type, the same in each
static    a specification as a small SVG
naming    where a model's name may stand beside its marker
plane     precision against recall, with the ways of the knobs
cost      seconds and parameters against quality
curves    validation scores while training
ladder    the same images under ever richer conditions
"""
