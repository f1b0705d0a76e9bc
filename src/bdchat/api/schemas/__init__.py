"""The OpenAI wire, one file per endpoint family."""
