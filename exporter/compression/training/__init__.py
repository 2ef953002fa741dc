"""How weights are trained; every method that trains uses the one loop."""
