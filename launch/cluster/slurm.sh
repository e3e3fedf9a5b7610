#!/usr/bin/env bash
# A sweep on a SLURM cluster: a Ray head on the first node, workers on the others, launch/sweep.py beside the head.
#
#   sbatch launch/cluster/slurm.sh --space search_spaces/mtaf_lsac.yaml --set resources.gpus=1 --output /shared/mtaf_lsac
#
# from the root of the repository, which all nodes see under one path, as they see --output. Every argument goes to
# launch/sweep.py. Two minutes before the time limit the sweep is stopped and the job queued again; a preempted job is
# queued again by SLURM. Either way it then trains only what is missing. docs/cluster.md says more.
#
# Edit here, or override (`sbatch --nodes=8 launch/cluster/slurm.sh ...`):
#SBATCH --job-name=paretofair
#SBATCH --nodes=2
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=12:00:00
# These stay.
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail

# Edit here, or set in the environment of sbatch:
: "${PARETOFAIR_PYTHON:=.venv/bin/python}" # has paretofair installed; the same path on every node
: "${PARETOFAIR_INTERFACE:=}"              # the private network, say ib0; empty: the address behind the node's name
: "${PARETOFAIR_TMP:=/tmp}"                # local to each node; short, because Ray keeps sockets there
: "${PARETOFAIR_WAIT:=600}"                # seconds within which all nodes have to be there
: "${PARETOFAIR_RESTARTS:=50}"             # how often at most the job is queued again at its time limit

fail() {
    echo "error: $*" >&2
    exit 2
}
[ -n "${SLURM_JOB_ID:-}" ] || fail "run me with sbatch"
cd "${SLURM_SUBMIT_DIR:-.}"
[ -f launch/sweep.py ] || fail "submit from the root of the repository, not from $PWD"
[ -x "$PARETOFAIR_PYTHON" ] || fail "no Python at PARETOFAIR_PYTHON=$PARETOFAIR_PYTHON"

# Ray listens on every interface of a node, whatever address it is given, and whoever reaches a port and knows the token
# runs code as you: a new token for each job, readable by you alone.
token=$HOME/.ray/paretofair-$SLURM_JOB_ID.token
mkdir -p "$HOME/.ray"
(umask 077 && "$PARETOFAIR_PYTHON" -c 'import secrets; print(secrets.token_hex(32), end="")' >"$token")
export PARETOFAIR_PYTHON PARETOFAIR_INTERFACE RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token RAY_USAGE_STATS_ENABLED=0
# A pack that asks for no GPU sees none.
export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=1

# This node's address on the private network.
private_address() {
    local name=${SLURMD_NODENAME:-$(hostname)} found
    if [ -n "$PARETOFAIR_INTERFACE" ]; then
        found=$(ip -4 -o address show dev "$PARETOFAIR_INTERFACE" | awk '{sub("/.*", "", $4); print $4; exit}')
    else
        found=$(getent ahostsv4 "$name" | awk '$1 !~ /^127\./ {print $1; exit}')
    fi
    [ -n "$found" ] || { echo "error: no private address of $name; set PARETOFAIR_INTERFACE" >&2 && return 1; }
    echo "$found"
}

# shellcheck disable=SC2317  # reached through srun
# Becomes the Ray of this node: start_ray ADDRESS OPTION..., where an empty ADDRESS is the private one.
start_ray() {
    local address=${1:-$(private_address)}
    [ -n "$address" ] || return 1
    # Others could have made a folder of this name, or a link to one. Ray opens its own to everybody: it is inside.
    if ! mkdir -m 700 -- "$folder" 2>/dev/null; then
        if [ -L "$folder" ] || [ ! -O "$folder" ] || [ "$(stat -c %a -- "$folder")" != 700 ]; then
            echo "error: $folder on $(hostname) is not a folder of yours alone; remove it or set PARETOFAIR_TMP" >&2
            return 1
        fi
    fi
    ulimit -n "$(ulimit -Hn)"
    exec "$PARETOFAIR_PYTHON" -m ray.scripts.scripts start --block --log-style=pretty --log-color=false \
        --node-ip-address="$address" --num-gpus="${SLURM_GPUS_ON_NODE:-0}" "${@:2}" >/dev/null
}
export -f private_address start_ray

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
cpus=${SLURM_CPUS_PER_TASK:-1}
if [ ${#nodes[@]} -eq 1 ]; then host=127.0.0.1; else host=$(private_address); fi
port=$("$PARETOFAIR_PYTHON" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
address=$host:$port
export folder=$PARETOFAIR_TMP/paretofair-$SLURM_JOB_ID

say() { echo "$(date -Is) job $SLURM_JOB_ID, start ${SLURM_RESTART_COUNT:-0}: $*"; }
step() { srun --overlap --no-kill --kill-on-bad-exit=0 --cpus-per-task="$cpus" "$@" & steps+=($!); }
alive() { kill -0 "$@" 2>/dev/null; }

steps=()
sweep=
limit=
# SIGTERM ends the sweep within seconds; every finished stack is on disk.
stop() {
    say "$1; stopping"
    if [ -n "$sweep" ]; then kill -TERM "$sweep" 2>/dev/null || true; fi
}
stop_ray() {
    trap '' USR1 TERM INT
    rm -f "$token"
    for signal in TERM KILL; do
        for process in "${steps[@]}"; do kill "-$signal" "$process" 2>/dev/null || true; done
        for _ in {1..45}; do
            alive "${steps[@]}" || break 2
            sleep 1
        done
    done
    steps=()
}
trap stop_ray EXIT
trap 'limit=1; stop "the time limit is near"' USR1
trap 'stop "SIGTERM"' TERM
trap 'stop "SIGINT"' INT

say "Ray at $address on ${nodes[*]}"
# One core of the first node is the driver's.
step --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" bash -c 'start_ray "$@"' start_ray "$host" --temp-dir="$folder/r" \
    --head --port="$port" --dashboard-host=127.0.0.1 --num-cpus="$((cpus > 1 ? cpus - 1 : 1))"
if [ ${#nodes[@]} -gt 1 ]; then
    others=$(IFS=, && echo "${nodes[*]:1}")
    step --nodes="$((${#nodes[@]} - 1))" --ntasks="$((${#nodes[@]} - 1))" --nodelist="$others" \
        bash -c 'start_ray "$@"' start_ray "" --temp-dir="$folder/r" --address="$address" --num-cpus="$cpus"
fi
"$PARETOFAIR_PYTHON" launch/cluster/gather.py --address "$address" --nodes ${#nodes[@]} --timeout "$PARETOFAIR_WAIT" -- \
    "$PARETOFAIR_PYTHON" launch/sweep.py --address "$address" "$@" &
sweep=$!

told=
while alive "$sweep"; do
    if [ -z "$told" ] && ! alive "${steps[0]}"; then
        told=1
        stop "the Ray head ended"
    fi
    # A signal ends the wait, and its trap runs at once.
    sleep 1 &
    wait $! || true
done
code=0
wait "$sweep" || code=$?
say "the sweep ended with code $code"
stop_ray
if [ -n "$limit" ] && [ "$code" -ne 0 ]; then
    if [ "${SLURM_RESTART_COUNT:-0}" -lt "$PARETOFAIR_RESTARTS" ]; then
        say "queued again"
        scontrol requeue "$SLURM_JOB_ID"
        exit 0
    fi
    say "not queued again after $PARETOFAIR_RESTARTS starts"
fi
# After a failure Ray's own logs stay there.
[ "$code" -ne 0 ] || srun --overlap --nodes=${#nodes[@]} --ntasks=${#nodes[@]} rm -rf "$folder" || true
exit "$code"
