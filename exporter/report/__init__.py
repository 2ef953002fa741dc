"""Renderings of what was found out: each module turns records or verdicts into one form."""
