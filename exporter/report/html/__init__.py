"""Reports as HTML, in one file that needs no network."""
