"""Files on disk: digests, atomic writes, the content-addressed cache."""
