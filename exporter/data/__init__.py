"""Frozen types that flow between the stages, their units and errors. Nothing here reads or writes."""
