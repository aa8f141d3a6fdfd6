"""Claims of textbooks about the families, tested on results.csv: sentence by sentence, each with a verdict.

A claim names contrasts: differences between two groups of models, one value for each model or for each training seed,
oriented so that a positive one is as claimed. The rule (`rule`) is the same for all claims and depends on no result. A
new claim is an entry of `CLAIMS` in the file of its topic; a new topic is a file, listed in `claims_md.CATALOGUE`.

contrast     a difference, model by model or seed by seed
claim        a sentence and where its contrasts come from; the models that claims compare
rule         contrasts -> verdicts of all claims, effect, interval
claims_md    all claims, written as claims.json and claims.md
answer_md    the answer in ten sentences, from claims.json
autoencoders, coverage, likelihoods, objectives, rank_correlation, richer_conditions, speed    the topics
"""
