"""Keypoints: people, hands and other things with named points."""
