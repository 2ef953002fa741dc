"""Labs: serving the devices of a host, measuring on those of a lab, and what is there."""
