"""TFLite files in apps."""
