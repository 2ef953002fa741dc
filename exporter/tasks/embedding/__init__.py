"""Embeddings: vectors of which near ones are alike."""
