"""Models of transformers: which class, which inputs and outputs, how its processor makes pixels, and its task."""
