"""Where x and c come from. Each dataset is one function; `datasets.py` lists them."""
