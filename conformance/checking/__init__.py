"""Checking: one program that somebody brings, put to every oracle and kernel, and explained."""
