#!/usr/bin/env bash
# Clients that no one here wrote: the aws CLI against the local platform, and `cargo lambda watch`
# (another Runtime API) with the function that holds chunks. `make check-aws` installs both.
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
scratch="$(mktemp -d)"
started=()
finish() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  wait
  rm -rf "$scratch"
}
trap finish EXIT
# Fails with what was said instead of what was to be said.
expect() {
  [[ "$2" == *"$1"* ]] || { echo "expected \`$1\`, not: $2" >&2; exit 1; }
}

cargo build --locked --package live --example local_platform --package nodefn --bin bootstrap
cp "$target/debug/bootstrap" "$scratch/bootstrap"
strip "$scratch/bootstrap" 2>/dev/null || true
(cd "$scratch" && python3 -m zipfile -c code.zip bootstrap)
payload='{"command":"report","node":7,"proxy":"127.0.0.1:1","token":"t","session_known":0,'
payload+='"version_min":1,"memory_mb":256,"capacity_bytes":1000000,"cycle_ms":1,'
payload+='"backup_interval_ms":0}'

# The platform stops when its standard input ends.
mkfifo "$scratch/stdin"
"$target/debug/examples/local_platform" < "$scratch/stdin" > "$scratch/url" &
platform=$!
started+=("$platform")
exec 9> "$scratch/stdin"
for _ in $(seq 100); do [[ -s "$scratch/url" ]] && break; sleep 0.1; done
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1
export AWS_PAGER=
aws() { .venv/aws/bin/aws --endpoint-url "$(cat "$scratch/url")" --output text lambda "$@"; }
create=(create-function --runtime provided.al2023 --handler bootstrap
        --role arn:aws:iam::123456789012:role/any --query State)
expect Active "$(aws "${create[@]}" --function-name node-7 --zip-file "fileb://$scratch/code.zip")"
expect Active "$(aws "${create[@]}" --function-name node-8 \
  --code "S3Bucket=local-program,S3Key=$(realpath "$target/debug/bootstrap")")"
expect node-8 "$(aws list-functions --query 'Functions[].FunctionName')"
for name in node-7 node-8; do
  expect 200 "$(aws invoke --function-name $name --payload "$payload" "$scratch/answer")"
  expect '"node":7' "$(cat "$scratch/answer")"
done
expect REPORT "$(aws invoke --function-name node-7 --payload "$payload" --log-type Tail \
  --query LogResult "$scratch/answer" | base64 --decode)"
expect 202 "$(aws invoke --function-name node-7 --invocation-type Event --payload "$payload" \
  "$scratch/answer")"
expect 30 "$(aws update-function-configuration --function-name node-7 --timeout 30 \
  --query Timeout)"
expect 30 "$(aws get-function --function-name node-7 --query Configuration.Timeout)"
aws delete-function --function-name node-7 > "$scratch/answer"
expect ResourceNotFoundException "$(aws get-function --function-name node-7 2>&1 || true)"
exec 9>&-
wait "$platform"
echo "the aws CLI created, listed, invoked, changed and deleted functions"

PATH="$PWD/.venv/aws/bin:$PATH" cargo lambda watch --ignore-changes --invoke-port 19002 \
  --package nodefn --bin bootstrap > "$scratch/watch.log" 2>&1 &
started+=("$!")
for _ in $(seq 600); do
  if answer="$(PATH="$PWD/.venv/aws/bin:$PATH" cargo lambda invoke --invoke-port 19002 \
      --data-ascii "$payload" bootstrap 2>> "$scratch/invoke.log")"; then break; fi
  sleep 0.5
done
expect '"node":7' "$(tr -d ' \n' <<< "${answer:-$(cat "$scratch/watch.log" "$scratch/invoke.log")}")"
echo "bootstrap answers under cargo lambda watch"
