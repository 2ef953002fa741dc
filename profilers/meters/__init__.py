"""Where energy is read, in order of trust."""
