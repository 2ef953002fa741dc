"""Text of Android's services, and Perfetto's traces, to samples."""
