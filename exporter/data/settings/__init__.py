"""What users ask for, as frozen data."""
