"""A lab on Dask: one worker process a device, jobs that a lost network does not lose, and who sends them."""
