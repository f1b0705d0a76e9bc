"""A module for each format: bytes → pages."""
