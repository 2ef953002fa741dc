"""TOML files to typed data, once: every error at once, each with its place."""
