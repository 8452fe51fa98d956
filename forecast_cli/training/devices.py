"""The processor or the GPU that a training runs on: which of them, and what it does there.

All tensors of a training are on one device: network, windows, optimizer, losses. What leaves it,
weights and snapshots, are arrays of numpy, so that nothing else depends on where it ran.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray

from forecast_cli import choices, network
from forecast_cli.errors import OutOfMemoryError, SettingsError
from forecast_cli.planning import Plan, part_plans

# What a GPU must have to do until it is worth it, in multiplications and additions of the network
# forward. A core does some 10 billion of them in a second, and the way back takes twice as long.
#
# - A batch costs a GPU some milliseconds, however small it is: a hundred small programs are
#   started for it. A core takes 0.3 seconds for a batch of this size.
# - A GPU takes some seconds to get ready. A core takes 5 minutes for a training of this size.
#
# Both are far beyond the sizes at which a GPU is level with a processor.
LEAST_IN_A_BATCH = 1e9
LEAST_IN_A_TRAINING = 1e12
LEAST_MEMORY = 2 << 30  # bytes: with less, others work on the GPU, and `auto` leaves it to them

PART_OF_FREE_MEMORY = 4  # windows are kept on a GPU where they fit in a quarter of it
RANDOM, RANDOM_OF_GPU = "random", "random.cuda"  # the names of states of random numbers


# -- which ------------------------------------------------------------------------------------


def choose_device(setting: choices.Device, plan: Plan, cores: int) -> choices.TrainedOn:
    """Where to train: as set; `auto` takes a GPU if there is one and the work is large enough.

    cores: of the processor, on which so many members train side by side. Raises SettingsError
    where there is no GPU and one was asked for.
    """
    if setting == "cpu":
        return "cpu"
    if setting == "cuda":
        check_device(setting)
        return "cuda"
    # The sizes come first: a GPU that is not needed is not woken.
    if not is_worth_a_gpu(plan, cores) or why_no_gpu():
        return "cpu"
    free, _ = torch.cuda.mem_get_info()
    return "cuda" if free >= LEAST_MEMORY else "cpu"


def check_device(setting: choices.Device) -> None:
    """Raises SettingsError where a GPU is asked for and none can be used."""
    if setting != "cuda":
        return
    problem = why_no_gpu()
    if problem:
        raise SettingsError(
            f"--device cuda: {problem}",
            "use --device cpu, or --device auto, which takes a GPU only where there is one",
            option="device",
            proposal="cpu",
        )


def is_worth_a_gpu(plan: Plan, cores: int) -> bool:
    """Whether every network of a plan is large enough, and there is enough to do.

    A GPU trains one member after the other, and processors train as many as there are cores.
    """
    side_by_side = min(plan.members, cores)
    of_batches = [_operations_of_a_batch(part) for part in part_plans(plan)]
    of_trainings = [
        part.members * part.epochs * part.epoch_batches * operations
        for part, operations in zip(part_plans(plan), of_batches, strict=True)
    ]
    is_large = min(of_batches) >= LEAST_IN_A_BATCH * side_by_side
    return is_large and sum(of_trainings) >= LEAST_IN_A_TRAINING * side_by_side


def _operations_of_a_batch(plan: Plan) -> float:
    """What can be done at once in a batch: a decoder goes step by step, so one of its steps."""
    architecture = plan.architecture
    operations = plan.batch_size * network.count_operations(architecture)
    if architecture.decoder == "seq2seq":
        return operations / architecture.outputs
    return operations


def why_no_gpu() -> str:
    """What stands against training on a GPU, in words; nothing where one works."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old driver is a warning, and no GPU
        if not torch.cuda.is_available():
            has_cuda = torch.version.cuda is not None or torch.version.hip is not None
            what = "there is no GPU that it can use" if has_cuda else "it is built without CUDA"
            return f"PyTorch {torch.__version__} is installed, and {what}"
        try:
            _try_gpu()
        except RuntimeError as error:
            first_line = str(error).strip().partition("\n")[0]
            return f"the GPU cannot be used ({first_line})"
    return ""


def _try_gpu() -> None:
    """Compute something there: a GPU that is listed may be too old, broken or taken."""
    torch.ones(2, device="cuda").sum().item()


# -- at work there ----------------------------------------------------------------------------


def is_gpu(device: torch.device) -> bool:
    return device.type == "cuda"


@contextlib.contextmanager
def at_work(device: torch.device) -> Iterator[None]:
    """Leave the random numbers and the precision of the caller as they are.

    On a GPU, factors of products of matrices are rounded to TF32, which is several times as fast;
    sums, weights and losses stay float32, so nothing can overflow. Raises OutOfMemoryError where
    the memory of the GPU does not hold the training.
    """
    if not is_gpu(device):
        with torch.random.fork_rng(devices=[]):
            yield
        return

    precision = torch.get_float32_matmul_precision()
    with torch.random.fork_rng(devices=[torch.cuda.current_device()]), naming_full_memory():
        torch.set_float32_matmul_precision("high")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(precision)


@contextlib.contextmanager
def naming_full_memory() -> Iterator[None]:
    """Say what to do where the memory of a GPU is full: Raises OutOfMemoryError."""
    try:
        yield
    except RuntimeError as error:
        # Its libraries have errors of their own for it, such as CUBLAS_STATUS_ALLOC_FAILED.
        if not isinstance(error, torch.cuda.OutOfMemoryError) and "ALLOC_FAILED" not in str(error):
            raise
        raise OutOfMemoryError(
            "the training does not fit in the memory of the GPU",
            "use a smaller --batch-size, or --device cpu",
            option="device",
            proposal="cpu",
        ) from None


def memory_for_windows(device: torch.device, on_cpu: int) -> int:
    """The bytes that normalized windows may take there; `on_cpu` of them on a processor."""
    if not is_gpu(device):
        return on_cpu
    free, _ = torch.cuda.mem_get_info(device)
    return int(free) // PART_OF_FREE_MEMORY


def random_states(device: torch.device) -> dict[str, NDArray[Any]]:
    """The states of the random numbers that a training draws from."""
    states = {RANDOM: torch.get_rng_state().numpy().copy()}
    if is_gpu(device):
        states[RANDOM_OF_GPU] = torch.cuda.get_rng_state(device).numpy().copy()
    return states


def set_random_states(device: torch.device, states: dict[str, NDArray[Any]]) -> None:
    """Set them. Raises LookupError where those of the device are not there."""
    torch.set_rng_state(torch.from_numpy(states[RANDOM].copy()))
    if is_gpu(device):
        torch.cuda.set_rng_state(torch.from_numpy(states[RANDOM_OF_GPU].copy()), device)
