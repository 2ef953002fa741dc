"""What is inside a .tflite file."""
