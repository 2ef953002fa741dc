"""Samples out of the output of one tool each; pure functions of text or bytes."""
