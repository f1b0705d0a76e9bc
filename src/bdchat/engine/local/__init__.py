"""The server's side of an engine process: start it, supervise it, submit requests, take its events."""
