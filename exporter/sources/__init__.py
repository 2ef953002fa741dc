"""MODEL arguments: what they mean, what they hold, and the torch module behind them.

`spec` and the types are light; `load` imports torch.
"""
