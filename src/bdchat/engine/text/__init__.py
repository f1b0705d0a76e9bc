"""Messages → tokens by the model's chat template, and tokens → text."""
