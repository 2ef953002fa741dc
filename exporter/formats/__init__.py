"""Formats: each is a folder behind `Format`, named once in the table."""
