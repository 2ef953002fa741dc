"""Targets: what to build for which devices, read from `targets.toml`.

Import light: `listing` needs only the standard library, the rest loads pydantic.
"""
