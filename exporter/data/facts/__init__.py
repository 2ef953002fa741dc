"""What is found out about a model, an artifact or a device, as frozen data."""
