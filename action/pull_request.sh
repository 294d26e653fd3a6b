# shellcheck shell=bash
# A pull request of our own: the branch IN_BRANCH, one commit with FILES as they were edited in the checkout. It is opened once, brought up to
# date for as long as there is something to say, and never in the way of anybody's work.

OURS=refs/provisioner/ours # the branch of the pull request as it is now
FILES=()                   # from the workspace

# A pull request decides what is in the workspace, and one of a fork is a stranger's: nothing is written for any.
check_where_edits_go() { # the input that asks for it
  [[ -z "$PULL" ]] || wrong "\`$1\` opens a pull request of its own; run it on a schedule or by hand, not for a pull request."
  [[ "$GITHUB_REF_NAME" != "$IN_BRANCH" ]] || wrong "\`$1\` runs on the branch that \`$IN_BRANCH\` is to be merged into."
}

# The newest pull request from our branch, whatever became of it, as JSON; nothing where there was none.
newest_pull_request() {
  local address
  address=$(jq --raw-output --null-input --arg head "${GITHUB_REPOSITORY%%/*}:$IN_BRANCH" --arg base "$GITHUB_REF_NAME" \
    '"state=all&head=\($head | @uri)&base=\($base | @uri)&per_page=1"')
  api "repos/$GITHUB_REPOSITORY/pulls?$address" | jq --compact-output '.[0] // empty'
}

in_head() { # pull request as JSON or nothing, key of a hidden line
  jq --raw-output --arg key "$2" -L "$HERE" 'include "essence"; .body // "" | head | .[$key] // empty' <<<"$1"
}

number_if_open() { # pull request as JSON, or nothing
  jq --raw-output 'select(.state == "open") | .number' <<<"$1"
}

# What a Markdown text on stdin says, as one word.
digest() {
  jq --raw-input --slurp --raw-output --arg runs "$RUNS" -L "$HERE" 'include "essence"; essence($runs)' | sha256sum | cut -c 1-64
}

# Push the branch, then have its pull request say what there is to say. Its address is in PULL_URL.
propose() { # our newest pull request as JSON or nothing, FILE, place, digest, title, message of the commit, further hidden lines…
  local newest=$1 number fields
  number=$(number_if_open "$newest")
  push_edit "$number" "$6" || return 1
  addressed "$2" "$3" "seen $4" "${@:7}" >"$SCRATCH/text"
  if [[ -z "$number" ]]; then
    fields=$(jq --null-input --arg head "$IN_BRANCH" --arg base "$GITHUB_REF_NAME" --arg title "$5" '{$head, $base, $title}')
    PULL_URL=$(send POST pulls "$SCRATCH/text" "$fields") || PULL_URL=$(opened_meanwhile) || { no_pull_request && return 1; }
  else
    PULL_URL=$(jq --raw-output .html_url <<<"$newest")
    [[ "$(in_head "$newest" seen)" == "$4" ]] || send PATCH "pulls/$number" "$SCRATCH/text" >/dev/null || refused_by_github
  fi
}

# The address of the pull request that another run has opened just now. What GitHub has refused stays known.
opened_meanwhile() {
  local url
  cp "$SCRATCH/refused" "$SCRATCH/lost"
  url=$(newest_pull_request | jq --raw-output 'select(.state == "open") | .html_url')
  mv "$SCRATCH/lost" "$SCRATCH/refused"
  [[ -n "$url" ]] && echo "$url"
}

no_pull_request() {
  annotate error "No pull request" "$(tail -n 3 "$SCRATCH/refused") The job needs \`pull-requests: write\`, and the repository's settings have to allow Actions to create pull requests."
}

# Bring the edit to the branch, one commit upon the one that is checked out; an empty one where there is none, since GitHub opens no pull
# request without any. A branch that has the same edit already, or that somebody else has worked on, is left alone.
push_edit() { # number of the open pull request, if there is one; message
  local commit tip
  commit=$(commit_edit "$2") || return 1
  tip=$(fetch_ours) || return 1
  if [[ -n "$tip" ]]; then
    if ! ours_alone; then
      annotate notice "Branch left alone" "Somebody has worked on \`$IN_BRANCH\`; its pull request tells what is known now, and the edit is theirs."
      return
    fi
    [[ -z "$1" || "$(edit_of "$OURS")" != "$(edit_of "$commit")" ]] || return 0
  fi
  push_over "$tip" "$commit" || pushed_meanwhile "$commit" || {
    annotate error "Branch not pushed" "\`$IN_BRANCH\` could not be written. The job needs \`contents: write\`."
    return 1
  }
}

# The commit that the branch is at; nothing where there is no such branch.
fetch_ours() {
  local tip
  tip=$(git ls-remote origin "refs/heads/$IN_BRANCH" | cut -f 1) || return 1
  [[ -z "$tip" ]] || git fetch --quiet --no-tags origin "+refs/heads/$IN_BRANCH:$OURS" || return 1
  echo "$tip"
}

ours_alone() {
  [[ "$(git show --no-patch --format=%ce "$OURS")" == "$BOT_EMAIL" ]]
}

# What comes to the branch after we have looked is not overwritten.
push_over() { # commit that the branch is at, or nothing; commit, or nothing to delete the branch
  git push --quiet --no-verify "--force-with-lease=refs/heads/$IN_BRANCH:$1" origin "$2:refs/heads/$IN_BRANCH"
}

# Whether another run has pushed the same.
pushed_meanwhile() { # commit
  local tip
  tip=$(fetch_ours) && [[ -n "$tip" && "$(edit_of "$OURS")" == "$(edit_of "$1")" ]]
}

# Prints a commit upon the one that is checked out, with the files that were edited. The index of the checkout is left alone.
commit_edit() ( # message
  export GIT_INDEX_FILE GIT_AUTHOR_NAME=$BOT GIT_AUTHOR_EMAIL=$BOT_EMAIL GIT_COMMITTER_NAME=$BOT GIT_COMMITTER_EMAIL=$BOT_EMAIL
  GIT_INDEX_FILE=$(mktemp -u) || return 1
  trap 'rm -f "$GIT_INDEX_FILE"' EXIT
  git read-tree HEAD || return 1
  ((${#FILES[@]} == 0)) || git --literal-pathspecs add --update -- "${FILES[@]}" || return 1
  tree=$(git write-tree) || return 1
  git commit-tree "$tree" -p HEAD -m "$1"
)

# What a commit changes, wherever the lines of it stand; nothing for an empty one.
edit_of() { # commit
  git diff-tree -p "$1^" "$1" | git patch-id --stable | cut -d ' ' -f 1
}

withdraw() { # our newest pull request as JSON, or nothing; why
  local number
  number=$(number_if_open "$1")
  [[ -n "$number" ]] || return 0
  remark "$number" "$2"
  api --method PATCH "repos/$GITHUB_REPOSITORY/pulls/$number" -f state=closed >/dev/null
}

# The branch goes with its pull request, unless somebody else has worked on it.
delete_branch() {
  local tip
  tip=$(fetch_ours)
  [[ -n "$tip" ]] && ours_alone || return 0
  push_over "$tip" '' || annotate warning "Branch not deleted" "\`$IN_BRANCH\` is not needed any more. The job needs \`contents: write\`."
}
