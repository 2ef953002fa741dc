"""Layer by layer: what a source's modules gave on an example, beside what an artifact's operations gave."""
