"""Text or bytes of one tool to samples: pure functions that invent nothing.

Each raises `device_harness.errors.UnreadableOutputError` with the reason when the input is not what it must be.
"""
