"""Where it computes: devices, precision, memory, processes."""
