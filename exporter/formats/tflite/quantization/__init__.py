"""From one float32 flatbuffer to every variant of it."""
