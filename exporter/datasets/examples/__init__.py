"""How examples of one make are read: images in files, rows of arrays, texts."""
