"""Finds the recipe: which layer bears which storage, and the least loss inside every budget."""
