"""Changes of a model's structure: channels, blocks, factors."""
