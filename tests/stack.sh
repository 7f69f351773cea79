# A stack of one's own for a script that sources this, in the project's folder: on a free port, in a
# new folder `$work`, and gone when the script ends. `start_stack` sets PORT and DATA_DIR.

readonly STACK=target/debug/local-stack READY_WITHIN_S=120 END_WITHIN_S=45

unset FAULTS
work=$(mktemp -d)
# The database server of root's stack runs as another user, who has to get in here.
chmod 711 "$work"
pid=

clean_up() {
    if [[ -n $pid ]]; then
        kill -TERM "$pid" 2>/dev/null || true
        for ((tenth = 0; tenth < END_WITHIN_S * 10; tenth++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null && echo "the stack did not end in time" >&2
        wait "$pid" 2>/dev/null || true
    fi
    # Where a folder above is closed to that user, the cluster lies elsewhere.
    if [[ -s $work/data/postgres/moved-to ]]; then
        rm -rf -- "$(<"$work/data/postgres/moved-to")"
    fi
    rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_stack() {
    export DATA_DIR=$work/data
    : >"$work/stack.out"
    PORT=0 "$STACK" dev >"$work/stack.out" 2>"$work/stack.err" &
    pid=$!
    for ((tenth = 0; tenth < READY_WITHIN_S * 10; tenth++)); do
        PORT=$(sed -n 's|^ready http://127\.0\.0\.1:||p' "$work/stack.out")
        if [[ -n $PORT ]]; then
            export PORT
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "the stack is not ready:" >&2
    cat "$work/stack.err" >&2
    exit 1
}
