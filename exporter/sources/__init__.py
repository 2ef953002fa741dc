"""MODEL arguments: what they mean, what they hold, and the torch module behind them.

`registry` has a row for each kind; torch is loaded by `load_source` alone.
"""
