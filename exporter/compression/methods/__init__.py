"""One file a method: its step as frozen data, and the function that applies it. Importing one does not load torch."""
