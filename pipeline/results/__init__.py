"""One table of measured numbers: schema, protocol ids, reading and writing, selection."""
