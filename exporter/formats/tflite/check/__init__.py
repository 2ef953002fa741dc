"""What TFLite, its runtime and its delegates make of each operator, before a conversion."""
