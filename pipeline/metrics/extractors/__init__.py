"""Where the distance between two items means something: one extractor a file."""
