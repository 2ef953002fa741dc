"""Super-resolution, and other models that make images."""
