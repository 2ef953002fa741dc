"""The embedded example: handwritten digits of scikit-learn, nothing downloaded."""
