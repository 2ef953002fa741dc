"""Runs that are kept, and what they say together: trends, where levels changed, how much is noise."""
