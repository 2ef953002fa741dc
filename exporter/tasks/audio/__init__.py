"""Sounds: keywords, wake words, speakers."""
