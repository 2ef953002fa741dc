"""Sizes that stores and users see, and the gates on them."""
