"""Examples for calibration and evaluation: image folders, CSV manifests, .npz files, factories."""
