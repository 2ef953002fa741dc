"""Files of /proc and /sys to samples."""
