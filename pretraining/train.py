"""Train the base network on synthetic series: `python pretraining/train.py --minutes 60`.

    python pretraining/train.py --minutes 60 --out FOLDER      # goes on where FOLDER stopped

FOLDER gets `checkpoint.safetensors` with everything that is needed to go on, `state.json` with the
minutes so far and the losses, and `base.safetensors` with the averaged weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from forecast_cli.base.network import LEVELS, architecture
from forecast_cli.network.modules import Seasonal
from forecast_cli.network.seasons import Framed, frame, to_points
from pretraining.scores import figures
from pretraining.series import Batch, Floats, draw

BATCH_SIZE = 256
LONG, LONG_BATCH_SIZE = 20, 128  # seasons from which a batch is smaller
LEARNING_RATE = 2e-3
WARMUP = 500  # steps
DECAY = 0.3  # share of the minutes at the end in which the learning rate falls to zero
AVERAGING = 0.999  # decay of the averaged weights
CLIP_NORM = 1.0
FARTHEST_TARGET = 12.0  # usual changes between the last season and the next, at most
VALIDATION_SEED, VALIDATION_BATCHES = 999, 24
REPORT_SECONDS, SAVE_SECONDS, WATCH_SECONDS = 60, 120, 900
LONGEST_STEP = 5.0  # seconds; a training that was stopped for longer was not training

FOLDER_MARK = "checkpoint.safetensors"


@dataclass(frozen=True, eq=False)
class Example:
    """A batch as the loss needs it: what the network reads, and targets (B, F, P) in spreads."""

    framed: Framed
    targets: Floats


@dataclass
class State:
    """How far the training is."""

    seed: int
    steps: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


def example(batch: Batch) -> Example:
    """Frame a batch of series; what lies ahead of it becomes the targets."""
    history, future = batch.values[:, : -batch.ahead], batch.values[:, -batch.ahead :]
    framed = frame(history, batch.seasons, batch.ahead, batch.cycle)

    spread = np.where(framed.spread > 0, framed.spread, 1)[:, None, None]
    points = (to_points(future) - framed.level[:, None, None]) / spread
    last, change = framed.references[:, :, 0], framed.change[:, None, None]
    away = np.clip((points - last) / change, -FARTHEST_TARGET, FARTHEST_TARGET)
    return Example(framed, (last + away * change).astype(np.float32))


def loss_of(network: Seasonal, item: Example) -> tuple[Tensor, Tensor]:
    """The mean pinball loss in usual changes, and that of repeating the last season."""
    answers = network.answer(item.framed)
    targets, last, change = (
        torch.from_numpy(np.ascontiguousarray(values)).to(answers.device)
        for values in (item.targets, item.framed.references[:, :, 0], item.framed.change)
    )
    errors = (targets[:, :, None] - answers) / change[:, None, None, None]
    levels = torch.tensor(LEVELS, device=answers.device)[:, None]
    pinball = torch.maximum(levels * errors, (levels - 1) * errors)
    naive = (targets - last).abs() / change[:, None, None] / 2

    # A constant teaches nothing.
    usable = torch.from_numpy(item.framed.spread > 0).to(answers.device)
    return pinball[usable].mean(), naive[usable].mean()


def train(options: argparse.Namespace) -> None:
    """Train until the minutes are over; what was reached is saved every other minute."""
    torch.set_num_threads(options.threads)
    device = torch.device(_device(options.device))
    torch.manual_seed(options.seed)
    network = Seasonal(architecture(season=24, horizon=24), zero_head=True).to(device)
    averaged = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    state = _resumed(options, network, optimizer, averaged)
    validation = [
        example(draw(np.random.default_rng((VALIDATION_SEED, number)), BATCH_SIZE))
        for number in range(VALIDATION_BATCHES)
    ]

    def produce(step: int) -> Example:
        batch = draw(np.random.default_rng((state.seed, step)), BATCH_SIZE)
        values = batch.values[:LONG_BATCH_SIZE] if batch.seasons >= LONG else batch.values
        return example(replace(batch, values=values))

    reported = saved = watched = before = time.monotonic()
    sums, count = np.zeros(2), 0
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(produce, state.steps)
        while state.seconds < 60 * options.minutes:
            item = following.result()
            following = pool.submit(produce, state.steps + 1)
            _set_rate(optimizer, state, options.minutes)

            loss, naive = loss_of(network, item)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
            optimizer.step()
            _average(averaged, network, state.steps)

            sums += loss.item(), naive.item()
            count += 1
            state.steps += 1
            now = time.monotonic()
            state.seconds += min(now - before, LONGEST_STEP)
            before = now
            if now - reported > REPORT_SECONDS:
                _report(state, sums / count, network, averaged, validation)
                reported, sums, count = time.monotonic(), np.zeros(2), 0
            if now - saved > SAVE_SECONDS:
                _save(options.out, state, network, optimizer, averaged)
                saved = time.monotonic()
            if options.data and now - watched > WATCH_SECONDS:
                print(json.dumps(figures(_numbers(averaged), options.data)), flush=True)
                watched = time.monotonic()
    _save(options.out, state, network, optimizer, averaged)
    _record(options, state)


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def _set_rate(optimizer: torch.optim.Adam, state: State, minutes: float) -> None:
    """Warm-up, a constant rate, and a linear fall to zero at the end."""
    left = 1 - state.seconds / (60 * minutes)
    rate = LEARNING_RATE * min((state.steps + 1) / WARMUP, 1.0, max(left, 0) / DECAY)
    for group in optimizer.param_groups:
        group["lr"] = rate


def _average(averaged: dict[str, Tensor], network: nn.Module, steps: int) -> None:
    """Move the averaged weights toward those of now; faster in the beginning."""
    decay = min(AVERAGING, (steps + 1) / (steps + 10))
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            averaged[name].lerp_(tensor, 1 - decay)


def _report(
    state: State,
    losses: Any,
    network: Seasonal,
    averaged: dict[str, Tensor],
    validation: list[Example],
) -> None:
    """Print and record the losses, those of the averaged weights on validation among them."""
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(averaged)
    network.eval()
    with torch.no_grad():
        found = [[float(x) for x in loss_of(network, item)] for item in validation]
    network.load_state_dict(own)
    network.train()

    mean = np.array(found).mean(axis=0)
    entry = {
        "minutes": round(state.seconds / 60, 1),
        "steps": state.steps,
        "loss": round(float(losses[0]), 4),
        "validation": round(float(mean[0]), 4),
        "validation_to_naive": round(float(mean[0] / mean[1]), 4),
    }
    state.history.append(entry)
    print(json.dumps(entry), flush=True)


# -- files -------------------------------------------------------------------------------------


def _save(
    folder: Path,
    state: State,
    network: nn.Module,
    optimizer: torch.optim.Adam,
    averaged: dict[str, Tensor],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"averaged.{name}": tensor for name, tensor in averaged.items()}
    for number, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items()}

    _replace(folder / FOLDER_MARK, {name: t.contiguous().cpu() for name, t in tensors.items()})
    _replace(
        folder / "base.safetensors",
        {name: t.to(torch.float16).contiguous().cpu() for name, t in averaged.items()},
    )
    known = {"seed": state.seed, "steps": state.steps, "seconds": state.seconds}
    text = json.dumps(known | {"history": state.history}, indent=1)
    (folder / "state.json.new").write_text(text + "\n")
    (folder / "state.json.new").replace(folder / "state.json")


def _record(options: argparse.Namespace, state: State) -> None:
    """How the weights were made, and their hash: `base.json`, which goes beside them."""
    command = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    weights = (options.out / "base.safetensors").read_bytes()
    record = {
        "commit": commit,
        "seed": state.seed,
        "minutes": round(state.seconds / 60, 1),
        "steps": state.steps,
        "machine": f"{platform.machine()}, {options.threads} thread(s), {options.device}",
        "torch": torch.__version__,
        "validation": state.history[-1]["validation"] if state.history else None,
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    (options.out / "base.json").write_text(json.dumps(record, indent=1) + "\n")


def _numbers(tensors: dict[str, Tensor]) -> dict[str, Any]:
    return {name: tensor.float().cpu().numpy() for name, tensor in tensors.items()}


def _replace(path: Path, tensors: dict[str, Tensor]) -> None:
    new = path.with_name(path.name + ".new")
    save_file(tensors, new)
    new.replace(path)


def _resumed(
    options: argparse.Namespace,
    network: nn.Module,
    optimizer: torch.optim.Adam,
    averaged: dict[str, Tensor],
) -> State:
    """Where the folder stopped; a new state if there is nothing in it."""
    path = options.out / FOLDER_MARK
    if not path.exists():
        return State(options.seed)

    tensors = load_file(path)
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "averaged": {}, "optimizer": {}}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        parts[kind][rest] = tensor
    network.load_state_dict(parts["network"])
    for name, tensor in parts["averaged"].items():
        averaged[name].copy_(tensor)

    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in parts["optimizer"].items():
        number, _, key = name.partition(".")
        slots.setdefault(int(number), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": slots, "param_groups": groups})
    return State(**json.loads((options.out / "state.json").read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="in total, with those before")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--data", type=Path, help="public data to watch the training by")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
