"""What a worker process runs: `python -m torana.cli.worker`."""

from torana.app.workers import main
from torana.portal import Portal

if __name__ == "__main__":
    main(Portal)
