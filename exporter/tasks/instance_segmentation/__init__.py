"""Instance segmentation: objects with their outlines."""
