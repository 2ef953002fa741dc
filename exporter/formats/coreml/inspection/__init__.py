"""What is inside a Core ML model."""
