"""The one place that asks the network for anything, and only for `coverseek download`.

sources     which files of which dataset, from where, with which checksum
fetch       a file from the network, named only when its checksum is right
unpack      the files that are wanted out of an archive, and nothing else
progress    how far a transfer is
"""
