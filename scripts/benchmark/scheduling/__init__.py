"""Loads that measure what the scheduler promises: who waits for whom, how long, and what it costs the others."""

COMPARED = ("flood", "oversubscribed")  # with a peer, beside the loads of workloads.py
OWN = ("fairness", "restart", "window", "preview", "eta", "scheduler-step")
