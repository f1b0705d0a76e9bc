"""Publish and subscribe by topic, in one process or over Redis; writes that publish what they changed."""
