"""A model and a target in, an artifact's bytes out. These modules import the heavy libraries; import them late."""
