"""Files: each stage parses, loads, calls one function and writes."""
