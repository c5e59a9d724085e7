"""An evaluation recorded once, and from then on launched as a whole: a CUDA graph.

An evaluation takes some hundred kernels, and below about a megapixel a GPU finishes a kernel before Python can
launch the next. A graph launches all of them at once. Nothing is compiled: recording takes about as long as an
evaluation, so that it pays for every level of more than a few steps.

Reference: the PyTorch manual, "CUDA Graphs".
"""

import threading
from functools import cache
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.evaluation.objective import Objective

Compile = Literal["auto", "off"]

COMPILES: tuple[Compile, ...] = get_args(Compile)
FIRST = 2  # evaluations before recording, in which cuDNN chooses its algorithms

_recording = threading.Lock()  # one at a time: another thread's work on the device can spoil it


class RecordedObjective(Objective):
    """An `Objective` on CUDA whose third evaluation is recorded, and from then on replayed.

    Where recording fails, it warns and goes on as an `Objective`.
    """

    warm_up = FIRST + 1
    _graph: Any = None
    _evaluations = 0

    def value_and_grad(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and its gradient. See `Objective.value_and_grad`."""
        self._evaluations += 1
        if self._evaluations == FIRST + 1:
            self._record(image)
        if self._graph is None:
            return super().value_and_grad(image)
        with torch.cuda.device(image.device):
            self._picture.copy_(image)
            self._graph.replay()
            # Copies: the next replay overwrites the results.
            loss, gradient, parts = (result.clone() for result in self._results)
        self.terms_by_name = dict(zip(self._names, parts.unbind(), strict=True))
        return loss, gradient

    def _record(self, image: Tensor) -> None:
        """Record an evaluation of `_picture`, whose loss, gradient and parts will lie in `_results`."""
        self._picture = image.detach().clone()
        graph: Any = torch.cuda.CUDAGraph()
        with _recording, torch.cuda.device(image.device):
            before = torch.cuda.current_stream()
            try:
                stream = _stream(image.device)
                # It clears the allocator's cache first: a graph has memory of its own.
                with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                    loss, gradient = super().value_and_grad(self._picture)
                    parts = torch.stack(list(self.terms_by_name.values()))
            except RuntimeError as error:
                torch.cuda.set_stream(before)  # where it failed, torch may leave its own set
                reason = str(error).partition("\n")[0]
                text = f"No CUDA graph could be recorded ({reason}). The run goes on without one."
                _checks.warn(text, RuntimeWarning)
            else:
                self._graph, self._names = graph, tuple(self.terms_by_name)
                self._results = loss, gradient, parts


def choose_objective(compile: str, device: torch.device) -> type[Objective]:  # noqa: A002  # the field's name
    """Return the class of objective for a device: ``"auto"`` records a graph on CUDA."""
    _checks.choice("compile", compile, COMPILES)
    return RecordedObjective if compile == "auto" and device.type == "cuda" else Objective


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """Return the one stream on which a device's graphs are recorded: every stream holds memory for cuBLAS."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
