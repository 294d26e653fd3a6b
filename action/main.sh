#!/usr/bin/env bash
# One run of the action: `plan`, `apply`, `check`, `drift` or `models`, as the inputs in the environment say.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
shopt -s inherit_errexit

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RUNS="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions"
RUN_URL="$RUNS/runs/$GITHUB_RUN_ID"
RUN_MARK="run $GITHUB_RUN_ID/${GITHUB_RUN_ATTEMPT:-1}"
export GH_HOST="${GITHUB_SERVER_URL#*://}" GH_ENTERPRISE_TOKEN="${GH_TOKEN:-}"
exec 3>&1 # the log, wherever stdout goes
unset PYTHONPATH PYTHONHOME # Python finds nothing of the workspace
KEYLESS=() # what takes the keys away from a command that must not have them

source "$HERE/say.sh"
source "$HERE/github.sh"
source "$HERE/git.sh"
source "$HERE/plan.sh"
source "$HERE/apply.sh"
source "$HERE/check.sh"
source "$HERE/pull_request.sh"
source "$HERE/accept.sh"
source "$HERE/drift.sh"
source "$HERE/models.sh"

main() {
  check_inputs
  read_event
  umask 077 # prompts and live values are in what is written
  FOLDER=$(mktemp -d "${RUNNER_TEMP:-/tmp}/provisioner-XXXXXXXX")
  output folder "$FOLDER"
  SCRATCH=$(mktemp -d) # what is not an artifact
  trap 'rm -rf "$SCRATCH"' EXIT
  cd "$GITHUB_WORKSPACE/$IN_DIRECTORY"
  give_git_the_token
  case $IN_COMMAND in
  plan) plan_and_show ;;
  apply)
    latest_locks
    apply_and_tell
    ;;
  check) check_and_tell ;;
  drift) drift_and_tell ;;
  models) models_and_propose ;;
  esac
}

check_inputs() {
  one_of command "$IN_COMMAND" plan apply check drift models
  one_of comment "$IN_COMMENT" true false
  one_of check "$IN_CHECK" true false
  one_of callables "$IN_CALLABLES" true false
  one_of fail-on-drift "$IN_FAIL_ON_DRIFT" true false
  [[ -z "$IN_ACCEPT" ]] || one_of accept "$IN_ACCEPT" pull-request
  IN_CHECKSUM=${IN_CHECKSUM//[[:space:]]/} # as it was copied
  IN_DIRECTORY=$(realpath --canonicalize-missing --relative-to="$GITHUB_WORKSPACE" "$GITHUB_WORKSPACE/$IN_DIRECTORY")
  [[ -d "$GITHUB_WORKSPACE/$IN_DIRECTORY" ]] || wrong "There is no folder \`$IN_DIRECTORY\`. Is the repository checked out?"
  [[ -n "$IN_BRANCH" ]] || IN_BRANCH=$(default_branch)
  mapfile -t PLAN_WORDS < <(sed '/^[[:space:]]*$/d' <<<"$IN_PLAN_OPTIONS")
  mapfile -t CHECK_WORDS < <(sed '/^[[:space:]]*$/d' <<<"$IN_CHECK_OPTIONS")
  mapfile -t -O "${#CHECK_WORDS[@]}" CHECK_WORDS < <(sed -n '/^--var=/p' <<<"$IN_PLAN_OPTIONS") # what is checked is what is planned
  [[ -z "$IN_ON_DRIFT" ]] || PLAN_WORDS+=(--on-drift "$IN_ON_DRIFT")
}

one_of() { # input, value, allowed values…
  local name=$1 value=$2
  shift 2
  [[ " $* " == *" $value "* ]] || wrong "\`$name\` is \`$value\`; it must be one of: $*."
}

# Edits that come back have a branch for each environment of each workspace.
default_branch() {
  local name="accept${IN_ENVIRONMENT:+-$IN_ENVIRONMENT}"
  [[ "$IN_DIRECTORY" == . ]] || name="$name@$IN_DIRECTORY"
  [[ "$IN_COMMAND" != models ]] || name=models
  echo "provisioner/${name//[^A-Za-z0-9_@-]/-}"
}

wrong() { # text
  annotate error "Wrong input" "$1"
  exit 1
}

# Run provisioner in the workspace. Its result goes to stdout. What it says goes to the log, where the runner takes none
# of it for workflow commands, and to $FOLDER/log.
run_provisioner() { # command, options…
  local command=$1 token code=0
  shift
  token=$(random)
  echo "::stop-commands::$token" >&3
  {
    "${KEYLESS[@]}" provisioner "$command" ${IN_ENVIRONMENT:+--env "$IN_ENVIRONMENT"} --no-color "$@" 2>&1 >&4 | tee "$FOLDER/log" >&3
  } 4>&1 || code=$?
  echo "::$token::" >&3
  return "$code"
}

main
