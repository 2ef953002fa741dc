"""Classification: one class an example."""
