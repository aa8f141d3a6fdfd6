"""What textbooks say of the families, put to the test on results.csv: sentence by sentence, each with a verdict.

A claim names contrasts: differences between two groups of models, one for each training seed, oriented so that a
positive one is as claimed. The rule (`rule`) is the same for all, and knows no number.

results      the table of every measured number, selected by task, model and metric
roster       the models that claims about families compare
contrast     a difference seed by seed
rule         contrasts -> verdict, effect, interval
claim        a sentence and where its contrasts come from
catalogue    all of them
page         claims.json and claims.md
likelihoods, speed, coverage, codes, ladder, order    the sentences, by what they are about
"""
