"""The JSON shapes of Anthropic's wire: the request, its blocks, the message and its events."""
