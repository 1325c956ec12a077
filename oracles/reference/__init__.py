"""The reference verifier: decides over all inputs whether a program can break a safety rule."""
