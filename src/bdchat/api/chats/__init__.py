"""A user's own chats over REST."""
