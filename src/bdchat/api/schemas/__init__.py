"""The JSON shapes of the wire, one file per endpoint family."""
