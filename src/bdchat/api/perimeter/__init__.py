"""Who may speak to us at all: the Host that was asked for, the Origin of a page, CORS."""
