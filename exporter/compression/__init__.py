"""Compression methods: each takes a model and a step of a recipe, and gives a model and what it did.

Recipes are read without torch: only what applies them imports it.
"""
