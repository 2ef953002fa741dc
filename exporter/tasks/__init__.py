"""What outputs mean: decoded, measured, and compared with labels or with the source's own."""
