"""A channel between two processes of one machine."""

from __future__ import annotations

from multiprocessing.connection import Connection

from conformance.campaign.events import Event, Order, Stop


class PipeChannel:
    """The worker's end of a pipe.

    What was written to a pipe outlives its writer, so that a worker that is killed loses nothing it sent.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def send(self, event: Event) -> None:
        """Tell an event; waits while the pipe is full."""
        self.connection.send(event)

    def orders(self) -> list[Order]:
        """What was told to the worker since the last call.  A line that is gone is an order to stop."""
        orders: list[Order] = []
        try:
            while self.connection.poll():
                orders.append(self.connection.recv())
        except (EOFError, OSError):
            orders.append(Stop())
        return orders
