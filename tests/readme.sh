#!/usr/bin/env bash
# Runs the README's own commands, and compares what they print with what the README says.
#
# A block counts when it is fenced ```sh right under the line `<!-- ci -->`; a ```text or ```json
# block that follows it, before any other code, is what it must print. Times, dates and lags are
# left out of the comparison. The blocks run in order, in one shell, against a stack of their own
# on a free port and in a new data folder, so any number of copies may run at once.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in curl python3 cargo-lambda; do
    if ! command -v "$tool" >/dev/null; then
        echo "tests/readme.sh needs $tool: run it as \`make readme\`" >&2
        exit 2
    fi
done

source tests/stack.sh

# N.sh are the blocks, N.expected what they must print, N.line where they stand.
extract() {
    awk -v work="$work" '
        /^```/ && inside { inside = 0; close(file); next }
        inside { print > file; next }
        /^```sh$/ {
            inside = 1
            file = marked ? work "/" ++count ".sh" : "/dev/null"
            answerable = marked
            if (marked) { print NR > (work "/" count ".line") }
            marked = 0
            next
        }
        /^```/ {
            inside = 1
            file = answerable && /^```(text|json)$/ ? work "/" count ".expected" : "/dev/null"
            answerable = 0
            next
        }
        /^<!-- ci -->$/ { marked = 1; next }
        marked { print "line " NR ": no ```sh under <!-- ci -->" > "/dev/stderr"; exit 1 }
        END { print count + 0 }
    ' README.md
}

# `cargo lambda invoke` takes its address from the command line only.
here() {
    sed -e "s|127\.0\.0\.1:9000|127.0.0.1:$PORT|g" \
        -e "s|\.millrace|$DATA_DIR|g" \
        -e "s|cargo lambda invoke|& --invoke-address 127.0.0.1 --invoke-port $PORT|g" "$1"
}

# What no two runs have in common.
same_each_time() {
    sed -E -e 's/\r$//' \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' \
        -e 's/^(date: ).*/\1TIME/' \
        -e 's/^(projection-lag-ms: ).*/\1N/' "$1"
}

passed=0 failed=0

report() {
    local block=$1 outcome=$2
    echo "$outcome  README.md:$(<"$work/$block.line")"
    case $outcome in ok) ((++passed)) ;; *) ((++failed)) ;; esac
}

compare() {
    local block=$1
    if [[ ! -e $work/$block.expected ]]; then
        report "$block" ok
    elif diff -u --label "README.md" --label "printed" \
        <(same_each_time "$work/$block.expected") <(same_each_time "$work/$block.out"); then
        report "$block" ok
    else
        report "$block" FAILED
    fi
}

blocks=$(extract)
if ((blocks == 0)); then
    echo "README.md has no block under <!-- ci -->" >&2
    exit 1
fi
start_stack
{
    echo 'set -euo pipefail'
    for ((block = 1; block <= blocks; block++)); do
        printf '{\n%s\n} >"%s"\n: >"%s"\n' \
            "$(here "$work/$block.sh")" "$work/$block.out" "$work/$block.done"
    done
} >"$work/all.sh"

bash "$work/all.sh" </dev/null || true
for ((block = 1; block <= blocks; block++)); do
    if [[ -e $work/$block.done ]]; then
        compare "$block"
    else
        cat "$work/$block.out" 2>/dev/null || true
        report "$block" FAILED
        break # the blocks after it did not run
    fi
done

echo "$passed passed, $failed failed, $((blocks - passed - failed)) not run"
((failed == 0))
