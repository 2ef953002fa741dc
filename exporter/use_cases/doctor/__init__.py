"""What of this machine the program can use."""
