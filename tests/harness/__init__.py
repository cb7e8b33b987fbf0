"""What all tests stand on: databases by cloning, closed sockets, peers, the list of checks."""
