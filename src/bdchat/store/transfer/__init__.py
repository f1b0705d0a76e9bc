"""Chats out of the store and into it: bdchat's own documents, Markdown, JSONL; exports of ChatGPT and Open WebUI."""
