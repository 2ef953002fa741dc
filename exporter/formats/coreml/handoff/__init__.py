"""Core ML packages in apps."""
