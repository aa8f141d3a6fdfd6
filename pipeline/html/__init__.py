"""The report as one HTML file: opens from disk, requests nothing from the network, reads without JavaScript.

document            the whole page, and what it omits first where it would grow beyond its limit
summary             the first screen: the answer
view                suites, tasks and claims, as the templates show them
leaderboard_tables  a board as a table: each number with both of its intervals drawn
cell_records        the seeds behind a row, their hashes, samples and commands
sample_pictures     samples as small embedded images, each above its nearest training image
sequence_pictures   samples of sequences as curves, spectrograms and sound
recipe_texts        the models of params.yaml, with their equations
templates           HTML, style and script
"""
