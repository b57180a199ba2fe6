"""What the pages show, read in a fixed number of statements and within the reader's regions."""
