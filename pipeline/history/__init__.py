"""Results at different times: how standings changed, and whether two revisions differ by more than noise.

    record     a cell's numbers, and the publications in which they were current
    replay     records -> the standings after each publication of one task and metric
    change     two standings -> which numbers jumped, which places changed, and by what: the protocol or the model
    chronicle  all of it for a task and metric, with its champions
    side       results.csv at one revision, or what runs say
    difference two sides -> improved, worse, within noise, or not comparable, number by number
    regression what a gate stops
    account    a chronicle as json, Markdown, a terminal's table, and a feed (`feed`)
    verdicts   differences as json, Markdown and a terminal's table

Knows results, not where they are kept: `tracking` reads MLflow and git.
"""
