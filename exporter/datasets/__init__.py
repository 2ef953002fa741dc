"""Examples for calibration and evaluation, and what is true of them: one interface, one module a kind of files."""
