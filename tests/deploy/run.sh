#!/usr/bin/env bash
# Tests deploy.sh against a recording stand-in for spin: the exact calls, what is told, and what is never written.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

readonly TOOLS="bash cat dirname env grep head od rm sed sleep tr"
passed=0
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A fresh world: a copy of the script and its manifest, a home, and a PATH with the stand-ins and little else.
begin() {
  test_name=$1
  rm -rf "${scratch:?}"/*
  mkdir -p "$scratch/repository" "$scratch/bin" "$scratch/home" "$scratch/tmp" "$scratch/stand-in"
  cp deploy.sh spin.toml "$scratch/repository/"
  cp tests/deploy/spin tests/deploy/curl "$scratch/bin/"
  local tool
  for tool in $TOOLS; do ln -s "$(command -v "$tool")" "$scratch/bin/$tool"; done
  printf 'aka' >"$scratch/stand-in/plugins"
  : >"$scratch/stand-in/login"
  : >"$scratch/stand-in/calls"
}

# Runs the script in that world. Its output is in $output, its exit code in $code.
deploy() {
  output=$(cd "$scratch/repository" && env -i PATH="$scratch/bin" HOME="$scratch/home" TMPDIR="$scratch/tmp" \
    STAND_IN="$scratch/stand-in" TIDINGS_DEPLOY_WAIT_SECONDS=2 TIDINGS_DEPLOY_PAUSE_SECONDS=1 \
    "$(command -v bash)" ./deploy.sh "$@" 2>&1)
  code=$?
}

pretend() { printf '%s' "${2:-}" >"$scratch/stand-in/$1"; }

check() {
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s: %s\n' "$test_name" "$what"
    printf '%s\n' "$output" | sed 's/^/    | /'
    sed 's/^/    calls: /' "$scratch/stand-in/calls"
  fi
}

succeeds() { [ "$code" -eq 0 ]; }
fails() { [ "$code" -ne 0 ]; }
says() { printf '%s\n' "$output" | grep -qF -- "$1"; }
is_silent_about() { ! says "$1"; }
# The calls that change something, the password replaced by a word.
changes() { grep -vE '^(plugins list|aka app (list|status)|cloud (login --status|apps))' "$scratch/stand-in/calls" | sed 's/owner_password=[0-9a-f]*/owner_password=PASSWORD/'; }
calls_are() { [ "$(changes)" = "$1" ]; }
changes_nothing() { [ -z "$(changes)" ]; }
password() { printf '%s\n' "$output" | sed -n 's/^  password  //p'; }
password_is_random() { password | grep -qxE '[0-9a-f]{32}'; }
password_was_handed_over() { grep -qF "owner_password=$(password)" "$scratch/stand-in/calls"; }
password_is_shown_once() { [ "$(printf '%s\n' "$output" | grep -cF -- "$(password)")" -eq 1 ]; }
# The calls are the stand-in's own record; nothing else may hold the password.
password_is_in_no_file() { ! grep -rqF --exclude-dir=stand-in -- "$(password)" "$scratch"; }
leaves_only_its_own_files() { [ "$(cd "$scratch" && find repository home tmp -type f | sort | tr '\n' ' ')" = "repository/deploy.sh repository/spin.toml " ]; }

check_login_is_safe() {
  check "password is random" password_is_random
  check "password was handed over" password_was_handed_over
  check "password is shown once" password_is_shown_once
  check "password is in no file" password_is_in_no_file
  check "leaves only its own files" leaves_only_its_own_files
}

begin "first deployment to Akamai Functions"
deploy
check "succeeds" succeeds
check "calls" calls_are "build
aka deploy --no-confirm --create-name tidings --variable store_staleness_seconds=60 --variable owner_password=PASSWORD"
check "tells the address" says "address   https://25a5fd1e-d476-40fd-bc54-6cee0e846540.fwf.app"
check_login_is_safe
first_password=$(password)

begin "every deployment has a password of its own"
deploy
check "differs" test "$(password)" != "$first_password"

begin "second deployment to Akamai Functions only updates"
pretend app tidings
deploy
check "succeeds" succeeds
check "calls" calls_are "build
aka deploy --no-confirm --app-id 25a5fd1e-d476-40fd-bc54-6cee0e846540 --variable store_staleness_seconds=60"
check "shows no password" is_silent_about "password  "
check "says that the login is as it was" says "your login and your data are as they were"

begin "first deployment to Fermyon Cloud"
pretend plugins cloud
deploy
check "succeeds" succeeds
check "calls" calls_are "build
cloud deploy --link kv:default=tidings --variable store_staleness_seconds=60 --variable owner_password=PASSWORD"
check "tells the address" says "address   https://tidings-x1y2z3.fermyon.app"
check_login_is_safe

begin "second deployment to Fermyon Cloud only updates"
pretend plugins cloud
pretend app tidings
deploy
check "succeeds" succeeds
check "calls" calls_are "build
cloud deploy --link kv:default=tidings --variable store_staleness_seconds=60"
check "shows no password" is_silent_about "password  "

begin "another name is another deployment on Fermyon Cloud"
pretend plugins cloud
pretend app tidings
deploy --name alice
check "succeeds" succeeds
check "calls" calls_are "build
cloud deploy --link kv:default=alice --from .spin-deploy-alice.toml --variable store_staleness_seconds=60 --variable owner_password=PASSWORD"
check "tells the address" says "https://alice-x1y2z3.fermyon.app"
check_login_is_safe

begin "another name is another deployment on Akamai Functions"
deploy --name alice
check "succeeds" succeeds
check "creates it" says "--create-name alice"

begin "an app whose name only begins alike is not taken for ours"
pretend app tidings-of-bob
deploy --host akamai
check "tries to create" says "--create-name tidings "

begin "the plugin that is installed decides, and both ask for a choice"
pretend plugins "aka cloud"
deploy
check "fails" fails
check "asks" says "--host akamai or --host fermyon"
check "changes nothing" changes_nothing
deploy --host fermyon
check "obeys the choice" says "cloud deploy"

begin "a public address is handed over"
deploy --public-address https://alice.example/
check "calls" calls_are "build
aka deploy --no-confirm --create-name tidings --variable store_staleness_seconds=60 --variable public_address=https://alice.example --variable owner_password=PASSWORD"

begin "a lost password is replaced on request"
pretend app tidings
deploy --reset-password
check "succeeds" succeeds
check "calls" calls_are "build
aka deploy --no-confirm --app-id 25a5fd1e-d476-40fd-bc54-6cee0e846540 --variable store_staleness_seconds=60 --variable owner_password=PASSWORD"
check_login_is_safe

begin "a dry run prints the steps and changes nothing"
deploy --dry-run
check "succeeds" succeeds
check "prints the build" says "+ spin build"
check "prints the deployment without a password" says "--variable owner_password=<generated>"
check "changes nothing" changes_nothing
check "asks the deployment nothing" test ! -e "$scratch/stand-in/requests"

begin "a dry run works where nothing is installed"
rm "$scratch/bin/spin" "$scratch/bin/curl"
deploy --dry-run --host fermyon --name alice
check "succeeds" succeeds
check "tells what is missing" says "would stop here: spin is missing"
check "prints the deployment" says "+ spin cloud deploy"
check "writes no manifest" leaves_only_its_own_files

begin "spin is missing"
rm "$scratch/bin/spin"
deploy
check "fails" fails
check "says how to get it" says "https://spinframework.dev/install"

begin "the plugins are missing"
pretend plugins ""
deploy
check "fails" fails
check "says how to get one" says "spin plugins install aka"
check "and the other" says "spin plugins install cloud"
deploy --host fermyon
check "says how to get the chosen one" says "spin plugins update && spin plugins install cloud"
check "changes nothing" changes_nothing

for plugin in aka cloud; do
  begin "not logged in ($plugin)"
  pretend plugins "$plugin"
  rm "$scratch/stand-in/login"
  deploy
  check "fails" fails
  check "says how to log in" says "spin $plugin login"
  check "changes nothing" changes_nothing
done

begin "the build fails"
pretend fail-build
deploy
check "fails" fails
check "deploys nothing" calls_are "build"
check "shows no password" is_silent_about "password  "

begin "the deployment fails"
pretend fail-deploy
deploy
check "fails" fails
check "shows no password" is_silent_about "password  "

begin "the deployment is reported as failed but exists"
pretend fail-deploy-but-create
deploy
check "goes on and succeeds" succeeds
check_login_is_safe

begin "health comes late"
pretend health-after 1
deploy
check "succeeds" succeeds

begin "health never comes"
pretend health 503
deploy
check "fails" fails
check "says what was waited for" says "/api/health did not answer 200 within 2 seconds"
check_login_is_safe

begin "the host does not tell the address"
pretend fail-status
deploy
check "fails" fails
check "says so" says "did not tell the address"
check_login_is_safe

begin "an update that lost the password is noticed"
pretend app tidings
pretend session 503
deploy
check "fails" fails
check "says what to do" says "./deploy.sh --host akamai --name tidings --reset-password"
pretend health 503
deploy
check "also when nothing answers" says "--reset-password"

begin "malformed arguments are refused before anything runs"
for arguments in "--host aws" "--name Not_Good" "--name -x" "--public-address http://x" "--frobnicate" "--name"; do
  # shellcheck disable=SC2086 # the words are separate arguments
  deploy $arguments
  check "refuses $arguments" fails
done
check "changes nothing" changes_nothing
deploy --help
check "help is given" says "usage: ./deploy.sh"

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
