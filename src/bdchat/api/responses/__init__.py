"""OpenAI's Responses wire under /v1/responses: parse, generate, encode; stored ones are read from any event on."""
