"""What is started on a device to run a model, and the reading of what it prints."""
