"""What torwatch is tried on: a private Tor network on loopback and a simulated market that knows its own truth."""
