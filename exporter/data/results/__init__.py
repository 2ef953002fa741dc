"""What commands found: the record of a run, and one result a command."""
