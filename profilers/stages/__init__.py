"""What is found out in runs of their own, after the measured ones."""
