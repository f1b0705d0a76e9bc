"""The model at work for one request: its run, its log of events, its usage, its SSE stream."""
