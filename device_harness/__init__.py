"""Where a model runs: this machine, phones, simulators, and the programs started on them."""
