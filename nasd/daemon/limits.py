"""Settings as the limits that organs take."""

from __future__ import annotations

from nasd.config import Settings
from nasd.extract.base import Limits
from nasd.load.base import Limits as LoadLimits
from nasd.load.sense import Sensors, memory_ceiling, memory_to_spare, whole_cores

MOST_READERS = 4


def load_limits(settings: Settings, sensors: Sensors) -> LoadLimits:
    """What the daemon may take of the machine."""
    load, total = settings.load, sensors.total_memory()
    workers = settings.read.workers
    return LoadLimits(
        on_battery=load.on_battery,
        when_hot=load.when_hot,
        when_busy=load.when_busy,
        max_celsius=load.max_celsius,
        busy_share=load.busy_percent / 100,
        readers=min(whole_cores(sensors.cores()), MOST_READERS) if workers == "auto" else workers,
        reader_memory=settings.read.memory,
        memory=memory_ceiling(None if load.memory == "auto" else load.memory, total),
        spare=memory_to_spare(total),
    )


def reading_limits(settings: Settings) -> Limits:
    """What reading one file may take."""
    read = settings.read
    return Limits(
        memory_bytes=read.memory,
        cpu_s=read.cpu_seconds,
        wall_s=read.wall_seconds,
        input_bytes=read.max_file,
        output_chars=read.max_chars,
        nice=settings.load.nice,
    )
