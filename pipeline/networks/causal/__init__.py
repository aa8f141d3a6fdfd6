"""Networks that are causal: the parameters at a place depend only on the places before it."""
