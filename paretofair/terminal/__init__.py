"""What long work says of itself while it goes on, on a terminal or in a log; open to every part."""
