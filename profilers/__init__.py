"""Readings of a model that runs somewhere: latency, CPU, memory, energy, temperature."""
