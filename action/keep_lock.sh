#!/usr/bin/env bash
# After an apply, however it ended: a committed lock that has changed is brought to the branch, or saved for somebody who
# brings it there. A lock on a git branch needs none of this.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
shopt -s inherit_errexit

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$HERE/say.sh"
source "$HERE/git.sh"

main() {
  local locks journals
  [[ -n "$IN_LOCK" ]] || exit 0
  cd "$GITHUB_WORKSPACE/$IN_DIRECTORY"
  mapfile -d '' -t locks < <(git ls-files -z --modified --others --exclude-standard -- ":(glob)$IN_LOCK")
  mapfile -d '' -t journals < <(git ls-files -z --others -- ":(glob)$IN_LOCK.journal")
  if ((${#locks[@]} + ${#journals[@]} == 0)); then
    exit 0
  fi
  give_git_the_token
  if ((${#journals[@]})); then
    save "${locks[@]}" "${journals[@]}"
    annotate warning "Apply is not finished" \
      "What it was about to do is in its journal, in the artifact of the lock. The next apply looks for it at the service."
  fi
  if ((${#locks[@]})) && ! push_locks "${locks[@]}"; then
    save "${locks[@]}" "${journals[@]}"
    annotate error "Lock not pushed" "$(way_out "${locks[@]}")"
    exit 1
  fi
}

# Commit onto the branch as it is at the moment, and push; again when somebody else was faster. Files and index of the
# checkout are left alone. What others changed meanwhile stays, but their lock is never overwritten.
push_locks() { # FILE…
  local branch=$GITHUB_REF_NAME commit tried='' base
  for _ in 1 2 3 4 5; do
    fetch_base || return 1
    base=$(git rev-parse "$BASE") || return 1
    [[ "$base" != "$tried" ]] || return 1 # nobody was faster: the push is not allowed
    tried=$base
    same_locks "$@" || return 1
    commit=$(commit_locks "$@") || return 1
    if git diff --quiet "$BASE" "$commit" || git push --quiet --no-verify origin "$commit:refs/heads/$branch"; then
      return
    fi
  done
  return 1
}

# Whether the branch has the locks that the apply began with, or already those that it left.
same_locks() { # FILE…
  local lock there began=HEAD
  if git rev-parse --quiet --verify "$BEGAN" >/dev/null; then
    began=$BEGAN
  fi
  for lock in "$@"; do
    there=$(blob "$BASE" "$lock")
    if [[ "$there" != "$(blob "$began" "$lock")" && "$there" != "$(git hash-object -- "$lock")" ]]; then
      echo "$lock was changed on $GITHUB_REF_NAME meanwhile."
      return 1
    fi
  done
}

blob() { # commit, FILE
  git rev-parse --quiet --verify "$1:./$2" || true
}

# Prints a commit upon the branch that has our locks. An unknown commit must never be pushed: git would take a missing one
# for the wish to delete the branch; hence every step is looked at.
commit_locks() ( # FILE…
  export GIT_INDEX_FILE GIT_AUTHOR_NAME=$BOT GIT_AUTHOR_EMAIL=$BOT_EMAIL GIT_COMMITTER_NAME=$BOT GIT_COMMITTER_EMAIL=$BOT_EMAIL
  GIT_INDEX_FILE=$(mktemp -u) || return 1
  trap 'rm -f "$GIT_INDEX_FILE"' EXIT
  git read-tree "$BASE" || return 1
  for lock in "$@"; do
    entry="100644,$(git hash-object -w -- "$lock"),$(git rev-parse --show-prefix)$lock" || return 1
    git update-index --add --cacheinfo "$entry" || return 1
  done
  tree=$(git write-tree) || return 1
  git commit-tree "$tree" -p "$BASE" -m "Lock after applying ${GITHUB_SHA:0:7} [skip ci]"
)

save() { # FILE…
  local folder
  folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/lock-XXXXXXXX")
  cp --parents -- "$@" "$folder"
  output lock "$folder"
}

way_out() { # FILE…
  printf 'What was applied is in %s, and not on %s. Until it is there, the next plan is refused. ' "$*" "$GITHUB_REF_NAME"
  printf 'Take the file from the artifacts of this run, commit it to %s, and let the action push there; ' "$GITHUB_REF_NAME"
  printf 'or keep the lock on a branch of its own (docs/pull-requests.md).'
}

main
