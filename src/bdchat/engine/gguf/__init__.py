"""The header of an untrusted model file, read within bounds."""
