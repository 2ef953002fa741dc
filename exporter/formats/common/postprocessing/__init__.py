"""What the formats share of decoding and suppression inside files."""
