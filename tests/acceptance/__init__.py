"""What clients of OpenAI's wire rely on, asked over HTTP of a real server with the default model.

The model is small: what is asserted is the form of its answers and what is enforced, never that it is clever."""
