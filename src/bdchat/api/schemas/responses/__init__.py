"""The JSON shapes of the Responses wire: the request, its input items, the response and its events."""
