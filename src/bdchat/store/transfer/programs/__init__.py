"""Chats as other programs export them: a parser for each, pure, that believes nothing it reads."""
