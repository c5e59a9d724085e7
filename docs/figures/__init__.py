"""The paper's figures, one module a group; `docs/make_figures.py` makes them."""
