"""Networks of couplings."""
