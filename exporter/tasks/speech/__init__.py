"""Speech recognition: what is said."""
