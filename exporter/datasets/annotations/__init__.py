"""What files and code say of examples, in the forms of `exporter.datasets.truths`."""
