"""The language host and agent speak: frames, jobs and answers as bytes.  Pure: no sockets, no processes."""
