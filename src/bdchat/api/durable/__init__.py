"""Answers that outlive their reader: planned, recorded, resumed after a crash, read from any event on."""
