"""Forms that weights and activations are kept in."""
