"""Reads the header of an untrusted model file within bounds."""
