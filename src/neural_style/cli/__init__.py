"""The command line."""

from neural_style.cli.commands import main as main
