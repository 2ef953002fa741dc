"""A source to a .tflite file. These modules import TensorFlow; import them late."""
