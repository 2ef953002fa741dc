"""Object detection: heads, suppression, average precision."""
