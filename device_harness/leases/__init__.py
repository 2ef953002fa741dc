"""The ways to lease a device, and what keeps a lease while a session lasts."""
