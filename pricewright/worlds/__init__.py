"""Worlds: simulated shops of many kinds with known demand, to develop and to judge the demand model on."""

from pricewright.worlds.kinds import DEVELOPED_ON, HELD_OUT, KINDS, Kind
from pricewright.worlds.world import World, simulate_world

__all__ = ["DEVELOPED_ON", "HELD_OUT", "KINDS", "Kind", "World", "simulate_world"]
