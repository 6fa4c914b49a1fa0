"""wall.db: what the screens show, told by the projector and read by the office."""
