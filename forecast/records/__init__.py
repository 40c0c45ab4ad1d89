"""What a run leaves behind, as types: numbers and names, no sentences."""
