"""Reports: tables, charts and sheets of samples from the evaluated runs. Imports no torch, no mlflow, no dvc.

benchmark         all of it, read once
leaderboard       each model of a task with its mean and interval over seeds, in order
answer            which families cover the data, and which seek
tables            quality, cost and sampling intervals of a board as columns of texts
committed_rows    which cells an earlier run measured
row_labels        what the family column says
leaderboard_md    leaderboard.md and leaderboards/
published_md      published.md: published numbers beside ours
leaderboard_csv   leaderboard.csv and comparisons.csv
reference_values  what a metric reads for real images
charts            charts in Vega-Lite, for the page and for figures
sample_sheets     samples, and latent planes
condition_sheets  conditions and the samples given them
figures           the files of reports/figures
style             colours and markers of the families
"""
