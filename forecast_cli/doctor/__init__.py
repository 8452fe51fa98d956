"""What could keep a scheduled job from working on this machine, and what to do about it.

What is named here is what other packages may use: examine, Situation, Check; cache_folder, where
matplotlib keeps its list of fonts.

Nothing takes the lock of the store, loads torch, or writes anything that stays.
"""

from forecast_cli.doctor.check import Check, Situation
from forecast_cli.doctor.environment import cache_folder
from forecast_cli.doctor.examination import examine

__all__ = ["Check", "Situation", "cache_folder", "examine"]
