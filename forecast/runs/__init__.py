"""One run: what it reads, what it holds, its folder."""
