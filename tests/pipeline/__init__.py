"""The life of a small program from C to a running handler, row by row of the project's brief: *hello* and
*counter*."""
