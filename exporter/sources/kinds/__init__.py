"""One file a kind of MODEL argument; each has its source as `SOURCE`."""
