"""Replaying: findings that were stored, asked about again, of one kernel or of many.

A finding still shows, is gone, or that could not be told; what a run only did not draw is none of these.
"""
