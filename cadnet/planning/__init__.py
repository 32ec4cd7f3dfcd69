"""What a run of the pipeline will take, before it runs: jobs, hours, disk and memory.

Jobs and their order come from the parameters (``jobs.py``), faces from the datasets' official or
built-in counts (``counts.py``), seconds from training steps that are measured here (``steps.py``)
and from what jobs cost beside them (``overheads.yaml``), the wall time from a simulation of the
schedule (``schedule.py``).
"""
