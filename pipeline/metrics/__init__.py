"""Numbers: pure functions of tensors, and the table that says which model and task each of them applies to.

Nothing is imported here, so that a submodule costs only what it needs itself.
"""
