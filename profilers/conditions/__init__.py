"""The state of a device before, between and after runs."""
