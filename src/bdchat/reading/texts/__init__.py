"""Formats that are text: its encoding, then a module for each."""
