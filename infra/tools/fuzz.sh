#!/usr/bin/env bash
# Throws bytes at each target of fuzz/ for so many seconds. What it learns stays in target/fuzz; the
# corpora in fuzz/corpus are where it starts from, and small. `--dev`, as the SDK and sqlx are long to
# optimise, and what is tried here is short.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=$1
if ! rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
    echo 'make fuzz needs a nightly compiler for its sanitizer: rustup toolchain install nightly' >&2
    exit 2
fi
for target in events records cursors tokens bodies; do
    seeds=("fuzz/corpus/$target")
    if [ "$target" = events ]; then seeds+=(crates/ordering/tests/samples); fi
    learned=target/fuzz/corpus/$target
    found=target/fuzz/found/$target/
    mkdir -p "$learned" "$found"
    echo "fuzzing $target for $seconds seconds"
    if ! cargo +nightly fuzz run --dev --fuzz-dir fuzz --target-dir target/fuzz/build "$target" \
        "$learned" "${seeds[@]}" -- \
        "-max_total_time=$seconds" "-artifact_prefix=$found" -print_final_stats=1 \
        >"target/fuzz/$target.log" 2>&1; then
        tail -n 40 "target/fuzz/$target.log"
        echo "$target found something, see $found; make a plain test of it" >&2
        exit 1
    fi
    grep -E 'stat::(number_of_executed_units|new_units_added)' "target/fuzz/$target.log"
done
