"""Kinds of data, one module each, found by the table in `exporter.datasets.open`."""
