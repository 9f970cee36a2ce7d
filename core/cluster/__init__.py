"""The two executors on a Dask cluster: the same stages, run by workers on other machines.

The queue of searches stays the truth; Dask runs single stages and keeps nothing. `distributed` is imported only where
DASK_SCHEDULER is set (requirements-cluster.txt).
"""
