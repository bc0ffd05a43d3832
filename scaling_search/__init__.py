"""scaling-search: finds by experiment how to divide extra compute between a CNN's depth, width and resolution."""

__version__ = "0.1.0"
