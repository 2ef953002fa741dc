"""What `make` runs to set up, and how its pinned versions are made."""
