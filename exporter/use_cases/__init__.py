"""One module a command: a request in, a result out."""
