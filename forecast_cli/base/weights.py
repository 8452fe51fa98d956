"""The weights of the base network, as they come with the package."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from safetensors.numpy import load as parse_tensors

from forecast_cli.base.network import architecture
from forecast_cli.errors import RunRejectedError
from forecast_cli.network import Weights, tensor_shapes

PATH = Path(__file__).parent / "base.safetensors"
SHA256 = "d3dfdbc23338288fca9284c44505fb8ea4e9995e1a668e489357deea83197c95"

REINSTALL = "install the package again"


def load_weights() -> Weights:
    """Read and verify them: in single precision, by torch's names.

    Raises RunRejectedError where the file is missing or is not the one that was published.
    """
    try:
        data = PATH.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunRejectedError(
            f"cannot read the base network {PATH}: {reason}", REINSTALL
        ) from None

    if hashlib.sha256(data).hexdigest() != SHA256:
        raise RunRejectedError(
            f"the base network {PATH} is damaged: its bytes are not those that were published",
            REINSTALL,
        )
    weights: Weights = {
        name: np.asarray(values, np.float32) for name, values in parse_tensors(data).items()
    }
    shapes = {name: values.shape for name, values in weights.items()}
    if shapes != tensor_shapes(architecture(season=1, horizon=1)):
        raise RunRejectedError(f"the base network {PATH} is of another release", REINSTALL)
    return weights
