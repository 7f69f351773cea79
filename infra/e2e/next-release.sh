#!/usr/bin/env bash
# Builds the migrate function of a release that does not exist: this one, with one migration more.
# It lies in target/e2e/next/migrate/bootstrap.
set -euo pipefail
cd "$(dirname "$0")/../.."

next=$PWD/target/e2e/source
rm -rf -- "$next"
mkdir -p "$next" target/e2e/next/migrate
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory "$next"
cat >"$next/migrations/9999_next_release.sql" <<'SQL'
-- expand: what is there goes on without it
alter table product add column of_the_next_release text;
create table next_release (id bigint primary key);
SQL
# The same target folder, so that what is not ours is not built again.
(cd "$next" && CARGO_TARGET_DIR=$OLDPWD/target cargo build --quiet --locked --package migrate)
cp target/debug/migrate target/e2e/next/migrate/bootstrap
rm -rf -- "$next"
