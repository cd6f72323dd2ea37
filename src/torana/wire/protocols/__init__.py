"""One AWS protocol a file, server side."""
