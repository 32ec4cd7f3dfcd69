"""MLflow tracking of training runs, in two halves.

A training job writes a *journal*: a plain file beside its results, a line an epoch
(``journal.py``). A *forwarder* brings journals to MLflow (``forward.py``): one process a pipeline,
which follows the jobs while they run, and a last pass at the end of the DAG.

Why not log from the job: importing MLflow and opening its store takes more than three seconds of a
processor, in each of hundreds of jobs that may train for half a minute. Why it is also safer: a
store that is down, locked or killed loses nothing, because the journal stays and is forwarded
later; and forwarding is by one process, so jobs never race for the store.
"""
