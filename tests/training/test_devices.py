"""Where a network is trained. What needs a GPU is skipped where there is none."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from forecast_cli import network, planning, store, train, training, windows
from forecast_cli.errors import OutOfMemoryError, SettingsError, StoppedError
from forecast_cli.panel import from_series
from forecast_cli.planning import Plan
from forecast_cli.progress import Epoch, Event
from forecast_cli.sources import settings_from
from forecast_cli.training import ALONE, FitOptions, Fold, TrainingData, batches, devices, loop
from forecast_cli.workflow import fitting

PANEL = from_series(
    [10 + np.sin(np.arange(120) / 3) + 0.1 * np.random.default_rng(1).normal(size=120)]
)
QUICK: dict[str, Any] = {
    "horizon": 4, "lookback": 12, "units": "6", "epochs": 4, "members": 1, "season": "1"
}  # fmt: skip
CPU, GPU = torch.device("cpu"), torch.device("cuda")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def plan_of(**changes: Any) -> Plan:
    return planning.make(PANEL, settings_from(**{**QUICK, **changes}))


def large_plan(**changes: Any) -> Plan:
    plan = plan_of(units="512,512")
    return replace(plan, **{"batch_size": 4096, "epochs": 1000, "epoch_batches": 100, **changes})


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with a GPU that works, as far as choosing one goes."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (8 << 30, 16 << 30))
    monkeypatch.setattr(devices, "_try_gpu", lambda: None)
    return monkeypatch


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)


# -- which ------------------------------------------------------------------------------------


def test_auto_takes_a_gpu_for_large_trainings_alone(gpu: pytest.MonkeyPatch) -> None:
    assert training.choose_device("auto", large_plan(), 2) == "cuda"
    assert training.choose_device("cuda", plan_of(), 2) == "cuda"
    assert training.choose_device("cpu", large_plan(), 2) == "cpu"
    # Each of these alone makes it too small.
    for small in (large_plan(batch_size=32), large_plan(epochs=1, epoch_batches=1)):
        assert training.choose_device("auto", small, 2) == "cpu"


def test_auto_does_not_wake_a_gpu_for_a_small_training(gpu: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("the GPU was asked")

    gpu.setattr(torch.cuda, "is_available", refuse)
    assert training.choose_device("auto", plan_of(), 2) == "cpu"


def test_members_side_by_side_make_a_gpu_worth_less() -> None:
    plan = large_plan(members=64)
    size = int(2 * devices.LEAST_IN_A_BATCH / network.count_operations(plan.architecture))
    plan = replace(plan, batch_size=size)
    assert devices.is_worth_a_gpu(plan, cores=1)
    assert not devices.is_worth_a_gpu(plan, cores=64)


def test_of_a_decoder_that_goes_step_by_step_one_step_counts() -> None:
    plan = replace(plan_of(decoder="seq2seq"), epochs=1000, epoch_batches=1000)
    operations = network.count_operations(plan.architecture)
    for share, is_worth in ((3.9, False), (4.1, True)):
        size = int(share * devices.LEAST_IN_A_BATCH / operations)
        assert devices.is_worth_a_gpu(replace(plan, batch_size=size), 1) == is_worth


def test_auto_leaves_a_gpu_that_is_full_or_broken_to_itself(gpu: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nmore of it")

    gpu.setattr(devices, "_try_gpu", fail)
    assert training.choose_device("auto", large_plan(), 2) == "cpu"
    with pytest.raises(SettingsError) as caught:
        training.check_device("cuda")
    assert caught.value.message == (
        "--device cuda: the GPU cannot be used (CUDA error: no kernel image is available)"
    )

    gpu.setattr(devices, "_try_gpu", lambda: None)
    gpu.setattr(torch.cuda, "mem_get_info", lambda: (1 << 30, 16 << 30))
    assert training.choose_device("auto", large_plan(), 2) == "cpu"


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_auto_takes_the_processor_and_cuda_is_refused() -> None:
    assert training.choose_device("auto", large_plan(), 2) == "cpu"
    for check in (training.check_device, lambda text: training.choose_device(text, plan_of(), 1)):
        with pytest.raises(SettingsError) as caught:
            check("cuda")
        error = caught.value
        assert (error.exit_code, error.option, error.proposal) == (2, "device", "cpu")
        assert error.message == (
            f"--device cuda: PyTorch {torch.__version__} is installed, and it is built without CUDA"
        )
        assert error.hint == (
            "use --device cpu, or --device auto, which takes a GPU only where there is one"
        )


@pytest.mark.usefixtures("no_gpu")
def test_a_build_with_cuda_and_no_gpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "12.4")
    assert devices.why_no_gpu() == (
        f"PyTorch {torch.__version__} is installed, and there is no GPU that it can use"
    )


@pytest.mark.usefixtures("no_gpu")
def test_cuda_without_a_gpu_is_refused_before_data_are_read(tmp_path: Path) -> None:
    root = tmp_path / "store"
    for command in (train, _backtest):
        with pytest.raises(SettingsError, match="--device cuda: PyTorch"):
            command(tmp_path / "there-is-no-such-file.csv", device="cuda", store_folder=root)
    assert not root.exists()


def _backtest(data: Path, **named: Any) -> object:
    from forecast_cli import backtest

    return backtest(data, **named)


def test_on_a_gpu_one_member_trains_at_a_time_unless_asked() -> None:
    plan = replace(plan_of(), members=4, epochs=1000, epoch_batches=1000)
    settings = settings_from(**QUICK)
    workers = fitting.number_of_workers
    assert workers(plan, settings, "cuda", by_cores=True) == 1
    assert workers(plan, settings_from(workers=3), "cuda", by_cores=True) == 3


def test_a_training_on_another_device_is_another_training() -> None:
    identity = fitting._identity
    plan = plan_of()
    assert identity(PANEL, plan, "cpu") == identity(PANEL, plan, "cpu")
    assert identity(PANEL, plan, "cpu") != identity(PANEL, plan, "cuda")


# -- at work there ----------------------------------------------------------------------------


def folds_of(plan: Plan) -> list[Fold]:
    cut = windows.split(PANEL, 20, 0)
    start, steps = np.zeros(1, np.int64), plan.architecture.outputs
    later = windows.between(PANEL, plan.lookback, steps, cut.training, cut.validation)
    return [Fold(windows.between(PANEL, plan.lookback, steps, start, cut.training), later)]


def fitted(plan: Plan, device: Any = "cpu") -> training.Fitted:
    data = TrainingData(PANEL.values, plan)
    return training.fit(data, folds_of(plan), lambda event: None, FitOptions(device=device))


@pytest.mark.parametrize(
    "changes",
    [
        {"units": "8,6", "clip_norm": 0.5, "jitter": 0.1},
        {"optimizer": "adam", "skip": "linear", "attention": "luong", "loss": "quantile"},
        {"optimizer": "sgd", "decoder": "seq2seq", "attention": "bahdanau", "preset": "seq2seq"},
        {"preset": "bilstm", "cell": "gru"},
    ],
)
def test_every_step_stays_on_the_device_of_the_training(changes: dict[str, Any]) -> None:
    """The device `meta` computes shapes alone, and refuses tensors of any other."""
    plan = replace(plan_of(**changes), averaging=0.9)
    previous = ((fitted(replace(plan, epochs=1)).weights,),)
    weighted = np.ones(len(PANEL.values))
    data = TrainingData(PANEL.values, plan, sample_weights=weighted)
    options = FitOptions(device="meta", previous_members=previous)  # type: ignore[arg-type]
    learner = loop._learner(data, folds_of(plan)[0], 0.01, 0, options)

    tensors = [*learner.network.state_dict().values(), *learner.averaged.state_dict().values()]
    for state in learner.optimizer.states():
        tensors += [values for name, values in state.items() if name != "step"]
    assert {tensor.device.type for tensor in tensors} == {"meta"}

    # Every step is taken, until the mean loss of all is asked for, which `meta` does not have.
    for work in (
        lambda: loop._train_epoch(data, learner, range(1, 3), None, ALONE),
        lambda: loop.evaluate(learner, data),
    ):
        with pytest.raises((RuntimeError, NotImplementedError), match="meta tensors"):
            work()


def test_windows_that_do_not_fit_are_normalized_by_the_batch_to_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_of()
    kept = fitted(plan)
    monkeypatch.setattr(devices, "memory_for_windows", lambda device, on_cpu: 0)
    source = batches.source_of(TrainingData(PANEL.values, plan), folds_of(plan)[0].training, CPU)
    assert isinstance(source, batches._Gathered)
    by_batch = fitted(plan)
    for name, values in kept.weights.items():
        assert values.tobytes() == by_batch.weights[name].tobytes()


def test_windows_take_a_quarter_of_the_free_memory_of_a_gpu(gpu: pytest.MonkeyPatch) -> None:
    assert devices.memory_for_windows(GPU, 256) == 2 << 30
    assert devices.memory_for_windows(CPU, 256) == 256


def test_random_numbers_go_on_from_their_states(gpu: pytest.MonkeyPatch) -> None:
    with torch.random.fork_rng(devices=[]):
        states = devices.random_states(CPU)
        assert list(states) == ["random"]
        first = torch.rand(3)
        devices.set_random_states(CPU, states)
        assert torch.equal(torch.rand(3), first)

        seen = []
        of_gpu = torch.arange(4, dtype=torch.uint8)
        gpu.setattr(torch.cuda, "get_rng_state", lambda device: of_gpu)
        gpu.setattr(torch.cuda, "set_rng_state", lambda state, device: seen.append(state))
        of_both = devices.random_states(GPU)
        devices.set_random_states(GPU, of_both)
        assert [state.tolist() for state in seen] == [[0, 1, 2, 3]]
        with pytest.raises(LookupError):
            devices.set_random_states(GPU, states)


@contextlib.contextmanager
def failing(error: Exception) -> Iterator[None]:
    with devices.naming_full_memory():
        raise error
    yield


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    ],
)
def test_a_full_memory_of_a_gpu_is_an_error_of_its_own(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError) as caught, failing(error):
        pass
    assert caught.value.message == "the training does not fit in the memory of the GPU"
    assert caught.value.hint == "use a smaller --batch-size, or --device cpu"


def test_other_errors_of_a_gpu_are_not_taken_for_it() -> None:
    with pytest.raises(RuntimeError, match="an illegal memory access"):  # noqa: SIM117
        with failing(RuntimeError("an illegal memory access was encountered")):
            pass


def test_the_run_says_where_it_was_trained(tmp_path: Path) -> None:
    run = train(PANEL, store_folder=tmp_path, draw=False, **QUICK).run
    assert run.metrics.training.device == "cpu"
    assert store.load(tmp_path).metrics.as_dict()["training"]["device"] == "cpu"


# -- on a GPU ---------------------------------------------------------------------------------


@needs_gpu
def test_a_gpu_starts_from_the_same_weights_and_ends_near() -> None:
    plan = plan_of(units="16,16", dropout=0.0)
    on_cpu, on_gpu = fitted(plan), fitted(plan, "cuda")
    assert on_gpu.device == "cuda"
    expected = [line.training_loss for line in on_cpu.history]
    assert [line.training_loss for line in on_gpu.history] == pytest.approx(expected, rel=0.05)


@needs_gpu
def test_a_run_of_a_gpu_predicts_and_goes_on_there(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Epoch) and event.epoch == 2:
            raise StoppedError(signal.SIGTERM)

    asked: dict[str, Any] = {"store_folder": tmp_path, "draw": False, "device": "cuda", **QUICK}
    with pytest.raises(StoppedError):
        train(PANEL, report=stop, **asked)
    trained = train(PANEL, resume=True, **asked)
    assert trained.notes == ()
    assert trained.run.metrics.training.device == "cuda"
    assert np.isfinite(trained.forecast.values).all()


@needs_gpu
def test_a_training_of_a_gpu_is_not_gone_on_with_on_a_processor(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Epoch) and event.epoch == 2:
            raise StoppedError(signal.SIGTERM)

    asked: dict[str, Any] = {"store_folder": tmp_path, "draw": False, **QUICK}
    with pytest.raises(StoppedError):
        train(PANEL, report=stop, device="cuda", **asked)
    (note,) = train(PANEL, resume=True, device="cpu", **asked).notes
    assert note.text == (
        "trained from the start: the unfinished training is of other data, settings or versions, "
        "or of another device"
    )
