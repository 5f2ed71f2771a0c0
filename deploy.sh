#!/usr/bin/env bash
# Deploys Tidings to a cloud that runs Spin apps: the first time with a fresh password, from then on as an update.
#
# What runs is printed before it runs. Nothing is kept beside this script: whether the app exists is asked of the
# cloud, and the password lives only there and on your screen. It is generated here, handed to `spin` as an argument
# (those programs take variables no other way without a file, so whoever may list the processes of this machine can
# see it for these seconds), printed once, and never written to a file.
set -euo pipefail
cd "$(dirname "$0")"

# How stale reads of a replicated cloud store may be. See docs/architecture.md.
readonly STALENESS_SECONDS=60
# How long a fresh deployment may take until it answers, and how long to wait between two looks.
readonly WAIT_SECONDS=${TIDINGS_DEPLOY_WAIT_SECONDS:-180}
readonly PAUSE_SECONDS=${TIDINGS_DEPLOY_PAUSE_SECONDS:-3}

host=""
name="tidings"
public_address=""
reset_password=no
dry_run=no
temporary_manifest=""

usage() {
  cat <<'USAGE'
usage: ./deploy.sh [options]

Builds Tidings and deploys it. The first time it creates the app, gives it a fresh password and prints address and
login, once. Later it only updates: login and data stay as they are.

  --host akamai|fermyon    Akamai Functions or Fermyon Cloud. Without it: the one whose plugin is installed.
  --name NAME              Name of the app (default: tidings). Another name is another deployment.
  --public-address URL     A domain of your own that leads to the app, like https://alice.example. Without it the
                           deployment learns its address when you set it up.
  --reset-password         Give an existing deployment a fresh password and print it: for when you lost yours.
  --dry-run                Print the steps and change nothing.
  --help                   This text.
USAGE
}

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# A check that is not met ends the run, unless the run is dry: then it is told, and the steps go on.
stop() {
  [ "$dry_run" = yes ] || fail "$*"
  say "would stop here: $*"
}

# Runs a step, or only prints it. The password is never printed as part of one.
step() {
  local word line=""
  for word in "$@"; do
    case $word in owner_password=*) word="owner_password=<generated>" ;; esac
    line="$line $word"
  done
  say "+$line"
  [ "$dry_run" = yes ] || "$@"
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --host | --name | --public-address)
        [ $# -ge 2 ] || fail "$1 needs a value. See ./deploy.sh --help"
        case $1 in
          --host) host=$2 ;;
          --name) name=$2 ;;
          --public-address) public_address=${2%/} ;;
        esac
        shift
        ;;
      --reset-password) reset_password=yes ;;
      --dry-run) dry_run=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      *) fail "unknown argument '$1'. See ./deploy.sh --help" ;;
    esac
    shift
  done
  case $host in "" | akamai | fermyon) ;; *) fail "--host is akamai or fermyon, not '$host'" ;; esac
  case $name in
    *[!a-z0-9-]* | -* | *- | "") fail "--name takes small letters, digits and dashes inside, not '$name'" ;;
  esac
  case $public_address in "" | https://?*) ;; *) fail "--public-address begins with https://, not '$public_address'" ;; esac
}

# The plugin that deploys to a host.
plugin_of() {
  case $1 in akamai) say aka ;; fermyon) say cloud ;; esac
}

has_plugin() {
  spin plugins list --installed 2>/dev/null | sed 's/ .*//' | grep -qx "$(plugin_of "$1")"
}

# Settles which host is meant, and that what it takes is there.
check_tools() {
  command -v curl >/dev/null || stop "curl is missing. It waits for the deployment to answer: install it through your system's packages."
  if ! command -v spin >/dev/null; then
    stop "spin is missing. Install it as https://spinframework.dev/install says, and have it in your PATH."
    host=${host:-akamai}
    return
  fi
  if [ -z "$host" ]; then
    detect_host
  elif ! has_plugin "$host"; then
    stop "spin lacks the plugin for $host. Install it: spin plugins update && spin plugins install $(plugin_of "$host")"
  fi
}

detect_host() {
  local akamai=no fermyon=no
  if has_plugin akamai; then akamai=yes; fi
  if has_plugin fermyon; then fermyon=yes; fi
  case $akamai$fermyon in
    yesno) host=akamai ;;
    noyes) host=fermyon ;;
    yesyes)
      stop "spin has the plugins of both hosts. Say which one is meant: --host akamai or --host fermyon"
      host=akamai
      ;;
    nono)
      stop "spin has no plugin to deploy with. For Akamai Functions: spin plugins update && spin plugins install aka. For Fermyon Cloud: spin plugins update && spin plugins install cloud"
      host=akamai
      ;;
  esac
}

# Prints the id by which the host knows the app, or nothing when there is no such app yet. Fails when not logged in.
find_app() {
  local list
  case $host in
    akamai)
      list=$(spin aka app list --verbose </dev/null) || return 1
      # Lines like: tidings(25a5fd1e-d476-40fd-bc54-6cee0e846540)
      say "$list" | sed -n "s/^$name(\(.*\))\$/\1/p"
      ;;
    fermyon)
      # Without a login every other command would start one and wait for a browser.
      spin cloud login --status </dev/null >/dev/null || return 1
      list=$(spin cloud apps list </dev/null) || return 1
      say "$list" | sed -n "s/^$name\$/$name/p"
      ;;
  esac
}

# Builds what spin.toml names.
build() {
  # A toolchain that did not come through rustup has the target or fails with words of its own.
  if command -v rustup >/dev/null; then step rustup target add wasm32-wasip2; fi
  step spin build || fail "the build failed; nothing was deployed"
}

# 128 random bits that nothing else has seen.
new_password() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

# Deploys: to an app's id, or to a new app when that is empty. Further arguments are variables.
deploy() {
  local app=$1 variable
  shift
  local command=(spin)
  case $host in
    akamai)
      command+=(aka deploy --no-confirm)
      if [ -n "$app" ]; then command+=(--app-id "$app"); else command+=(--create-name "$name"); fi
      ;;
    fermyon)
      # The app is called what its manifest calls it, and its store after it; an existing link stays what it is.
      command+=(cloud deploy --link "kv:default=$name")
      if [ "$name" != tidings ]; then command+=(--from "$(manifest_path)"); fi
      ;;
  esac
  for variable in "$@"; do command+=(--variable "$variable"); done
  step "${command[@]}"
}

manifest_path() { say ".spin-deploy-$name.toml"; }

# Fermyon Cloud takes the name from the manifest alone: another name needs another manifest while it deploys.
write_renamed_manifest() {
  if [ "$host" != fermyon ] || [ "$name" = tidings ]; then return; fi
  say "+ sed 's/^name = \"tidings\"/name = \"$name\"/' spin.toml > $(manifest_path)"
  [ "$dry_run" = no ] || return 0
  temporary_manifest=$(manifest_path)
  trap 'rm -f "$temporary_manifest"' EXIT
  sed "s/^name = \"tidings\"/name = \"$name\"/" spin.toml >"$temporary_manifest"
  grep -q "^name = \"$name\"" "$temporary_manifest" || fail "spin.toml does not call the app tidings any more"
}

# Prints where the deployment is reached.
find_address() {
  local info
  case $host in
    akamai) info=$(spin aka app status --app-name "$name" --format json </dev/null) ;;
    fermyon) info=$(spin cloud apps info "$name" --format json </dev/null) ;;
  esac
  # The answers differ in shape; both hold the address as their first URL.
  say "$info" | grep -Eo 'https://[^"[:space:]]+' | sed -e 1q | sed 's:/*$::'
}

status_of() {
  curl --silent --output /dev/null --max-time 10 --write-out '%{http_code}' "$1" || true
}

wait_for_health() {
  local waited=0
  say "waiting for $1/api/health"
  until [ "$(status_of "$1/api/health")" = 200 ]; do
    [ "$waited" -lt "$WAIT_SECONDS" ] || return 1
    sleep "$PAUSE_SECONDS"
    waited=$((waited + PAUSE_SECONDS))
  done
}

print_login() {
  say ""
  say "  address   $1"
  say "  name      admin"
  say "  password  $2"
  say ""
  say "This is the only time the password is shown. Sign in with it and finish the setup before you give the address"
  say "to anybody."
}

main() {
  parse_arguments "$@"
  check_tools
  local app="" address password=""
  if command -v spin >/dev/null; then
    app=$(find_app) || stop "spin is not logged in to $host. Log in, then come back: spin $(plugin_of "$host") login"
  fi
  say "host: $host, app: $name, $(if [ -n "$app" ]; then say "exists: update"; else say "new: first deployment"; fi)"

  build
  local variables=("store_staleness_seconds=$STALENESS_SECONDS")
  if [ -n "$public_address" ]; then variables+=("public_address=$public_address"); fi
  if [ -z "$app" ] || [ "$reset_password" = yes ]; then
    password=$(new_password)
    variables+=("owner_password=$password")
  fi
  write_renamed_manifest
  deploy "$app" "${variables[@]}" || after_failed_deploy "$app"
  if [ "$dry_run" = yes ]; then
    say "+ find the address and wait until ADDRESS/api/health answers 200"
    [ -z "$password" ] || say "+ print address, name and password, once"
    say "dry run: nothing was changed"
    return
  fi
  address=$(find_address) || address=""
  finish "$app" "$address" "$password"
}

# A first deployment that was reported as failed may exist all the same, only slow to start: then its password is set
# and must not be lost, so the run goes on. Any other failure ends it.
after_failed_deploy() {
  if [ -z "$1" ] && [ -n "$(find_app)" ]; then
    say "spin reports a failure, but the app exists now: going on"
    return
  fi
  if [ -z "$1" ] && [ "$host" = akamai ]; then
    say "A working directory that is linked to another app cannot create a new one: spin aka app unlink" >&2
  fi
  fail "deploying failed. Nothing is lost: run this again once the cause is gone."
}

# Waits until the deployment answers and tells what there is to tell. A password is told in any case: it is set.
finish() {
  local app=$1 address=${2:-$public_address} password=$3 healthy=yes
  if [ -z "$address" ]; then
    healthy=no
  else
    wait_for_health "$address" || healthy=no
  fi
  [ -z "$password" ] || print_login "${address:-unknown: ask spin, or see the console of the host}" "$password"
  [ -n "$address" ] || fail "deployed, but the host did not tell the address"
  # A host may forget variables that an update does not repeat. The deployment then refuses everybody.
  if [ -n "$app" ] && [ -z "$password" ] && [ "$(status_of "$address/api/session")" = 503 ]; then
    fail "$address answers 503, most likely because its owner_password is gone. Give it a new one: ./deploy.sh --host $host --name $name --reset-password"
  fi
  [ "$healthy" = yes ] || fail "deployed, but $address/api/health did not answer 200 within $WAIT_SECONDS seconds"
  [ -n "$password" ] || say "updated: $address (your login and your data are as they were)"
}

main "$@"
