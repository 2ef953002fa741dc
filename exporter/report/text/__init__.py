"""Results as people read them in a terminal; one module a kind of result."""
