"""Ink: from the measured cells to tables and figures. Reads json, csv and npz; imports no torch, no mlflow, no dvc.

protocol   what defines a number, and its id; version declares what a metric means
measured   which cells of the grid have numbers, and which diverged or failed
results    every number, one a row (results.csv)
benchmark  all of it at once
board      each model of a task with its mean and interval over seeds, in order
rank       which ranks the intervals leave open
column     how a metric is written
table      the boards for machines (leaderboard.csv)
tabular    a board as columns of texts, written by markdown or latex
page       the boards for readers (leaderboard.md)
export     the boards' tables to be taken elsewhere: Markdown, LaTeX, csv
ladder     the same images under ever richer conditions; rungs reads it, verdict judges it, ladder_text writes it down
figures    the pictures: samples, conditions, the precision-recall plane, training curves, the ladder
"""
