"""The model catalogue: which models exist, which are installed, how one is downloaded."""
