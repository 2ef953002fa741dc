"""Renderers: each turns verdicts, and figures beside them, into one format."""
