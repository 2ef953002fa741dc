"""What Core ML, the minimum OS and the Neural Engine make of each operator, before a conversion."""
