"""Text: classes of texts or of their tokens, and language models."""
