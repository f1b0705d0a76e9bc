"""Guesses what an answer will go on with: from its own text, its account's recent answers, a draft model."""
