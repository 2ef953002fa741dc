"""Torch modules as graphs that every converter knows."""
