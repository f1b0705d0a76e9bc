"""What the wires make a chat request of: the turns of a conversation, and the names that its errors are told by."""
