"""``--property``, apart from the other options, as the properties take a while to import."""

from __future__ import annotations

import click

from conformance.properties.registry import PROPERTIES

property_option = click.option(
    "--property",
    "kinds",
    multiple=True,
    type=click.Choice(list(PROPERTIES)),
    help="A kind of disagreement. [default: all]",
)
