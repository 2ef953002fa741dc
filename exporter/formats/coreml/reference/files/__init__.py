"""The files of a package, and the program in them."""
