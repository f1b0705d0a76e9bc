"""bdchat: a private ChatGPT for models on your own machine. See docs/architecture.md for the rooms."""

__version__ = "0.1.0"
