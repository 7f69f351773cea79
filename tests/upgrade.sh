#!/usr/bin/env bash
# Applies this tree's migrations under the binaries of the release before, while they serve.
#
# The release before is PREVIOUS, else the commit before the one that added the newest migration. It
# is built from git into a target folder of its own, and its stack loads the baskets over HTTP. As
# soon as the first are in, this tree's migrate function brings the database up to date, twice: the
# second time as a deployment that is repeated. Then the rest must load without an error, and the
# old `millrace` must find the rows as the events say.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly READY_WITHIN_S=900
newest=$(git log -1 --diff-filter=A --format=%H -- migrations)
previous=$(git rev-parse "${PREVIOUS:-$newest^}")
before=$PWD/target/previous
work=$(mktemp -d)
chmod 711 "$work" # root's database server runs as another user, who has to get in here
pid=

clean_up() {
    if [[ -n $pid ]]; then
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    if [[ -s $work/data/postgres/moved-to ]]; then
        rm -rf -- "$(<"$work/data/postgres/moved-to")"
    fi
    git worktree remove --force "$work/source" 2>/dev/null || true
    rm -rf -- "$work"
}
trap clean_up EXIT

echo "the release before: $(git log -1 --format='%h %s' "$previous")"
git diff --name-only --diff-filter=A "$previous" -- migrations | sed 's/^/to be applied: /'
git worktree add --quiet --detach "$work/source" "$previous"
(cd "$work/source" && CARGO_TARGET_DIR=$before cargo build --quiet --package local-stack --package cli)
cargo build --quiet --package migrate

export DATA_DIR=$work/data
unset FAULTS
cd "$work/source"
PORT=0 "$before/debug/local-stack" demo >"$work/out" 2>"$work/err" &
pid=$!
cd - >/dev/null

loaded() { grep -q "$1" "$work/err" "$work/out" 2>/dev/null; }
wait_for() {
    for ((second = 0; second < READY_WITHIN_S; second++)); do
        if loaded "$1"; then return; fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 1
    done
    cat "$work/err" "$work/out" >&2
    echo "the release before did not get to: $1" >&2
    exit 1
}

wait_for '10% of'
database=$(sed -n 's/^DATABASE_URL=//p' "$DATA_DIR/env")
for request in update update; do
    DATABASE_URL=$database infra/tools/invoke.py target/debug/migrate "$request"
done
if loaded '100% of'; then
    echo "the baskets were in before the migrations were: nothing was proved" >&2
    exit 1
fi
wait_for '^ready '
env $(<"$DATA_DIR/env") "$before/debug/millrace" status
env $(<"$DATA_DIR/env") "$before/debug/millrace" verify --all
echo "the release before did not notice"
