"""What the numbers of a run rest on."""
