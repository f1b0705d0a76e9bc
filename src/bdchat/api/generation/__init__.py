"""The model at work for one request: started, streamed, counted, never stored."""
