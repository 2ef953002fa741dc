"""Frozen types alone: what flows between the stages. Nothing here reads, writes or computes."""
