"""`python -m torwatch` is the command line."""

from torwatch.cli import main

if __name__ == "__main__":
    main()
