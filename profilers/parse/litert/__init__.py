"""What LiteRT's benchmark programs print, to samples."""
