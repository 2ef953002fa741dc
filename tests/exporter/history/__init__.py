"""Kept runs."""
