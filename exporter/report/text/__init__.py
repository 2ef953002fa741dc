"""Reports that people read as text."""
