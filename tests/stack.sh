# A stack of one's own for a script that sources this, in the project's folder: on a free port, in a
# new folder `$work`, and gone when the script ends. `start_stack` sets PORT and DATA_DIR. The script
# fails if a line that the stack has logged tells of a person, nearly as a test would (`tests/witness`).

readonly STACK=target/debug/local-stack READY_WITHIN_S=120 END_WITHIN_S=45

# An address, a token, and whom the scripts and the README register.
readonly PERSONAL='[[:alnum:]_%+-]@([[:alnum:]-]+\.)+[[:alpha:]]{2,}|(^|[^[:alnum:]_-])eyJ[[:alnum:]_-]{10}|Ann Example'

# All that we ever log, as in `tests/witness`.
export RUST_LOG=info,dynoxide=error,command=trace,query=trace,projector=trace,edge=trace,event_store=trace
RUST_LOG+=,personal_data=trace,projection=trace,ordering_views=trace,database=trace,local_stack=trace

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
    local told=
    told=$(cd "$work" && grep -sE -- "$PERSONAL" stack.err data/metrics.ndjson) || true
    # Where a folder above is closed to that user, the cluster lies elsewhere.
    if [[ -s $work/data/postgres/moved-to ]]; then
        rm -rf -- "$(<"$work/data/postgres/moved-to")"
    fi
    rm -rf -- "$work"
    if [[ -n $told ]]; then
        printf 'the log tells of a person:\n%s\n' "$told" >&2
        exit 1
    fi
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
