"""Which devices work is done on, and what becomes of each."""
