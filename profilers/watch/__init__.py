"""What is sampled beside a run."""
