"""One level's loss and gradient: whole, in tiles, over processes; its cost in time and memory."""
