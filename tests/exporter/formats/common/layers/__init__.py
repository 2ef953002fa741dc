"""Which operation of an artifact stands for which module."""
