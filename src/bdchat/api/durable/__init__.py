"""Stored generations: planned, recorded, resumed after a crash, read from any event on."""
