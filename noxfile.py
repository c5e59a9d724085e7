"""Every check of the project by name, for people and for CI alike.

``nox`` gives each session an environment of its own and keeps it, for torch is large. ``nox --no-venv`` runs
the same commands in the active environment, which then has to hold the package and the groups already: one copy
of torch serves all.
"""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests", "docs"]

PROJECT = nox.project.load_toml("pyproject.toml")


def prepare(session: nox.Session, *groups: str, package: bool = True) -> None:
    """Install dependency groups, and the package as a user would have it: built, not the source folder."""
    if not session.virtualenv.is_sandboxed:  # --no-venv: the environment is its owner's, who has filled it
        return
    requirements = nox.project.dependency_groups(PROJECT, *groups)
    session.install(*requirements, *(["."] if package else []))


@nox.session
def lint(session: nox.Session) -> None:
    """Style and layout of the code."""
    prepare(session, "lint", package=False)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly, of the package, the tests, the benchmarks and this file."""
    prepare(session, "types")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Tests and doctests against the installed package; ``nox -s tests -- -m slow`` for the slow ones."""
    prepare(session, "test")
    session.run("pytest", *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """The tests with the lowest versions that the package asks for; by itself, ``nox -s lowest``."""
    prepare(session, "test")
    if session.virtualenv.is_sandboxed:
        session.install(*(f"{wanted.replace('>=', '==')}.*" for wanted in PROJECT["project"]["dependencies"]))
    session.run("pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Which branches no test takes, the slow ones included; by itself, ``nox -s coverage``."""
    prepare(session, "coverage")
    session.run("pytest", "--cov", "--cov-report=term-missing:skip-covered", "-m", "", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation: built without a warning, its examples and its notebook run, its made pages current."""
    prepare(session, "docs")
    session.run("python", "benchmarks/tables.py", "--check")
    session.run("python", "docs/make_why_gram.py", "--check")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "doctest", "docs", "docs/_build/doctest")


@nox.session
def figures(session: nox.Session) -> None:
    """The paper's figures, in half an hour; ``-- --pictures FOLDER`` for those of the documentation."""
    prepare(session, "figures")
    session.run("python", "docs/make_figures.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Seconds per evaluation: ``nox -s bench`` tries it, ``nox -s bench -- --repeats 9`` measures."""
    prepare(session)
    session.run("python", "benchmarks/iterations.py", *(session.posargs or ["--smoke"]))
