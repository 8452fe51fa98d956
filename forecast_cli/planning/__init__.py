"""Planning: every number of a training, decided from settings and data, with its reason."""

from forecast_cli.planning.alternatives import Candidate, candidates, plan_of, trial_epochs
from forecast_cli.planning.base_plan import (
    USUAL_SHARE,
    make_base_plan,
    tuned_plan,
    with_base_share,
)
from forecast_cli.planning.conflicts import missing_for_interval
from forecast_cli.planning.freezing import with_frozen_layers, without_freeze
from forecast_cli.planning.listing import OPTIONS, reason_of, values_by_name, written
from forecast_cli.planning.plan import (
    BaseShare,
    Decided,
    Part,
    Plan,
    Statistic,
    Trial,
    count_operations,
    count_parameters,
    part_of,
    part_plan,
    part_plans,
)
from forecast_cli.planning.planner import make
from forecast_cli.planning.portfolio import (
    FEW_FORECASTS,
    chooses,
    portfolio_shares,
    statistic_name,
)
from forecast_cli.planning.presets import PRESETS, SMALL, Preset
from forecast_cli.planning.seasonal_rules import FEW_SERIES, FEW_WINDOWS

__all__ = [
    "FEW_FORECASTS",
    "FEW_SERIES",
    "FEW_WINDOWS",
    "OPTIONS",
    "PRESETS",
    "SMALL",
    "USUAL_SHARE",
    "BaseShare",
    "Candidate",
    "Decided",
    "Part",
    "Plan",
    "Preset",
    "Statistic",
    "Trial",
    "candidates",
    "chooses",
    "count_operations",
    "count_parameters",
    "make",
    "make_base_plan",
    "missing_for_interval",
    "part_of",
    "part_plan",
    "part_plans",
    "plan_of",
    "portfolio_shares",
    "reason_of",
    "statistic_name",
    "trial_epochs",
    "tuned_plan",
    "values_by_name",
    "with_base_share",
    "with_frozen_layers",
    "without_freeze",
    "written",
]
