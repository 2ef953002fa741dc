"""What files are made of, read without the libraries that make them."""
