"""The operations of Core ML ML programs, one module a family."""
