"""The use cases that the commands call."""
