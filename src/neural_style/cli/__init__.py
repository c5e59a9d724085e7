"""The command line."""

from neural_style.cli.main import main as main
