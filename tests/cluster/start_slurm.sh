#!/usr/bin/env bash
# A SLURM cluster of one node on this machine, with GPUs that are plain files, to test profiles/slurm:
#
#   tests/cluster/start_slurm.sh          start it; where it runs, nothing happens
#   tests/cluster/start_slurm.sh stop     end its daemons, remove its configuration and its state
#
# For root on Debian or Ubuntu, in a container too. CPUS, GPUS and MEMORY (MB) are what SLURM is told
# that the node has, whatever it really has.
set -euo pipefail

CPUS=${CPUS:-8} GPUS=${GPUS:-4} MEMORY=${MEMORY:-256000}
STATE=/var/lib/cadnet-slurm # what slurmctld and slurmd keep, their logs, the pretended GPUs
NODE=$(hostname -s)
MARK="# Written by cadnet's tests/cluster/start_slurm.sh"

say() { echo "start_slurm: $*" >&2; }

running() {
  [ -s "$STATE/$1.pid" ] && [ "$(cat "/proc/$(cat "$STATE/$1.pid")/comm" 2>/dev/null)" = "$1" ]
}

stop() {
  if running slurmctld && running slurmd; then
    scancel --user "$(id -un)" # else they would go on without a SLURM
    for _ in $(seq 15); do
      [ -n "$(squeue -h)" ] || break
      sleep 1
    done
  fi
  for daemon in slurmd slurmctld munged; do
    if running "$daemon"; then
      pid=$(cat "$STATE/$daemon.pid")
      kill "$pid"
      timeout 20 tail --pid="$pid" -f /dev/null || kill -9 "$pid"
      say "stopped $daemon"
    fi
  done
  if grep -qsF "$MARK" /etc/slurm/slurm.conf; then rm -f /etc/slurm/{slurm,gres}.conf; fi
  rm -rf "$STATE"
}

install() {
  if command -v slurmctld slurmd munged sbatch >/dev/null; then return; fi
  say "installing slurm-wlm and munge"
  # Debian starts a daemon when its package comes; these are started below.
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d &&
    chmod +x /usr/sbin/policy-rc.d; }
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y slurm-wlm munge
}

configure() {
  if [ -s /etc/slurm/slurm.conf ] && ! grep -qF "$MARK" /etc/slurm/slurm.conf; then
    say "/etc/slurm/slurm.conf is somebody else's: this machine belongs to a cluster; nothing done"
    exit 1
  fi
  mkdir -p /etc/slurm "$STATE"/{ctld,d,gpus}
  for ((i = 0; i < GPUS; i++)); do
    # SLURM wants devices, and opens none: these are like /dev/null.
    [ -c "$STATE/gpus/gpu$i" ] || mknod "$STATE/gpus/gpu$i" c 1 3
  done
  # A line a task of a job, with the GPUs that SLURM lets it see.
  cat >"$STATE/prolog.sh" <<END
#!/bin/sh
echo "\$SLURM_JOB_ID \${CUDA_VISIBLE_DEVICES:-none}" >>$STATE/visible.txt
END
  chmod +x "$STATE/prolog.sh"
  cat >/etc/slurm/slurm.conf <<END
$MARK
ClusterName=cadnet
SlurmctldHost=$NODE(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$STATE/munge.socket
# No cgroups and no accounting: what runs in a container.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog=$STATE/prolog.sh
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
# CPUs, memory and GPUs are given out one by one, more of them than there are.
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
MpiDefault=none
SchedulerParameters=defer,batch_sched_delay=1,sched_interval=5,bf_interval=5
# How long scontrol knows of a job that ended: tests ask it.
MinJobAge=3600
KillWait=5
StateSaveLocation=$STATE/ctld
SlurmdSpoolDir=$STATE/d
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/slurmd.log
NodeName=$NODE NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=$MEMORY Gres=gpu:$GPUS State=UNKNOWN
PartitionName=main Nodes=$NODE Default=YES MaxTime=1-0 State=UP
END
  echo "$MARK
Name=gpu File=$STATE/gpus/gpu[0-$((GPUS - 1))]" >/etc/slurm/gres.conf
}

start() {
  [ -s "$STATE/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$STATE/munge.key")
  running munged || munged --force --key-file="$STATE/munge.key" --socket="$STATE/munge.socket" \
    --pid-file="$STATE/munged.pid" --log-file="$STATE/munged.log" --seed-file="$STATE/munge.seed"
  running slurmctld || slurmctld
  running slurmd || slurmd
  for _ in $(seq 30); do
    if [ "$(sinfo -h -N -o %T 2>/dev/null)" = idle ]; then return; fi
    sleep 1
  done
  tail -n 20 "$STATE"/{slurmctld,slurmd}.log >&2
  say "the node is not idle after 30 s: see the logs above"
  exit 1
}

case "${1:-start}" in
  stop) stop ;;
  start)
    install
    configure
    start
    say "node $NODE with $CPUS CPUs, $GPUS GPUs (pretended): look with sinfo, squeue, scontrol show jobs"
    say "logs in $STATE; '$0 stop' ends it"
    ;;
  *)
    say "start or stop, not $1"
    exit 2
    ;;
esac
