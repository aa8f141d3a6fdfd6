"""Samples and likelihoods from other implementations, in files that are not trusted.

sample_files    npz, npy, safetensors or a folder of PNG -> x and c as the task has them
png_folder      a folder of PNG files -> values from 0 to 255
value_range     values in a stated range -> the task's levels, exact or rounded
csv_tables      negative log-likelihoods of the test items, or published metrics
stored_model    x, c -> a `GenerativeModel` that returns them
"""
