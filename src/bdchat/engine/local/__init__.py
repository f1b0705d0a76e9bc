"""A model in a process of this machine, seen from the server."""
