"""What the runs of each kind of runner say, as readings."""
