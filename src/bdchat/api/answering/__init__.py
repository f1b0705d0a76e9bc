"""From a chat request to an answer's parts, for every wire that answers conversations."""
