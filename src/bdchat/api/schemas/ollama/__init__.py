"""The JSON shapes of Ollama's wire, one file for each family of routes."""
