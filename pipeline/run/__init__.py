"""`coverseek run`: bring every cell up to date, several at a time.

driver          the whole run, from params.yaml to the leaderboard
stamp           nothing changed since the last run: known without asking DVC
repository      the repository, opened for one run alone
workspace       which steps there are, which are stale, what is recorded in dvc.lock
dvc_repository  DVC's repository and stages: the one module that imports DVC
lockfile        dvc.lock, written atomically and in the order of dvc.yaml
schedule        the order: a step starts when the steps before it are settled, the longest way to the end first
place           where steps run: the interface of the schedule
this_machine    steps in processes of this machine
where           which of the places a run uses
cluster         cells on the nodes of a Ray cluster
worker          one step in a process of its own, forked from a server that has the libraries loaded
verify          a sample of stale steps runs again; where nothing differs, the others are accepted
forecast        how long a step will take
cost_table      what the trainings of a suite cost, before they run
progress        what a user sees meanwhile
interrupt       Ctrl-C and SIGTERM end a run between two steps
"""
