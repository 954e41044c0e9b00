"""Other programs, measured beside ours; each file is run by a Python that has the peer installed."""
