"""One source with its data, and the stages of the work on it: what `run`, `convert`, `verify` and `compress` share."""
