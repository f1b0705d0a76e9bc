"""Chats, their trees of messages, and the generations that write answers into them."""
