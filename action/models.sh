# shellcheck shell=bash
# Models that come to an end: one pull request with the table of all that are in use and, where `replace` says so, with other ones in the
# specs. It is opened again only when there is something else to say.

OURS=refs/provisioner/ours # the branch of the pull request as it is now

models_and_propose() {
  local pull digest
  check_where_models_run
  write_models || return 1
  summarise "$FOLDER/models.md"
  pull=$(newest_pull_request)
  if ((${#FILES[@]} == 0)) && ! ending true; then
    ending false || return 0 # nobody knows: nothing to open, and nothing to close
    output changes false
    withdraw "$pull"
    return
  fi
  output changes true
  digest=$(sed '/^<sub>/d' "$FOLDER/models.md" | # who says so is nothing new, nor is that somebody does not answer today
    jq --raw-input --slurp --raw-output --arg runs "$RUNS" -L "$HERE" 'include "essence"; essence($runs)' |
    sha256sum | cut -c 1-64)
  if [[ "$(seen_in "$pull")" == "$digest" && "$(jq --raw-output '.state // empty' <<<"$pull")" == closed ]]; then
    annotate notice "Nothing new about models" "$(jq --raw-output .html_url <<<"$pull") has said it, and was closed."
  else
    propose "$pull" "$digest"
  fi
}

# A pull request decides what is in the workspace, and one of a fork is a stranger's: nothing is written for any.
check_where_models_run() {
  [[ -z "$PULL" ]] || wrong "\`command: models\` opens a pull request of its own; run it on a schedule or by hand, not for a pull request."
  [[ "$GITHUB_REF_NAME" != "$IN_BRANCH" ]] || wrong "\`command: models\` runs on the branch that \`$IN_BRANCH\` is to be merged into."
}

# Into $FOLDER/models.md the table, and below it what is replaced; into FILES the files that are.
write_models() {
  local words=()
  FILES=()
  run_provisioner models --format markdown >"$FOLDER/models.md" || { models_unknown && return 1; }
  mapfile -t words < <(sed 's/[[:space:]]//g; /^$/d; s/^/--replace=/' <<<"$IN_REPLACE")
  ((${#words[@]})) || return 0
  run_provisioner models "${words[@]}" --json >"$SCRATCH/replaced" || true # 1 also where some are left
  jq --exit-status .files "$SCRATCH/replaced" >/dev/null 2>&1 || { models_unknown "$SCRATCH/replaced" && return 1; }
  mapfile -t FILES < <(jq --raw-output '.files[]' "$SCRATCH/replaced")
  run_provisioner models "${words[@]}" --write --format markdown >"$SCRATCH/replaced.md" || true
  [[ -s "$SCRATCH/replaced.md" ]] || { models_unknown && return 1; }
  if jq --exit-status '.not_replaced != []' "$SCRATCH/replaced" >/dev/null; then
    annotate warning "Not every model is replaced" "$(jq --raw-output '.not_replaced[] | "\(.address): \(.reason)."' "$SCRATCH/replaced")"
  fi
  { echo && cat "$SCRATCH/replaced.md"; } >>"$FOLDER/models.md"
}

models_unknown() { # FILE with problems, if there are any
  if [[ -s "${1:-}" ]]; then
    problems_markdown "$1" "Models are not known" >"$FOLDER/models.md"
    annotate_problems "$1"
  else
    log_markdown "$FOLDER/log" "Models are not known" >"$FOLDER/models.md"
    annotate error "Models are not known" "$(<"$FOLDER/log")"
  fi
  summarise "$FOLDER/models.md"
}

# Whether any model in use has an announced end.
ending() { # true|false
  grep -qx "<!-- provisioner:ending $1 -->" "$FOLDER/models.md"
}

# The newest pull request from our branch, whatever became of it, as JSON; nothing where there was none.
newest_pull_request() {
  local address
  address=$(jq --raw-output --null-input --arg head "${GITHUB_REPOSITORY%%/*}:$IN_BRANCH" --arg base "$GITHUB_REF_NAME" \
    '"state=all&head=\($head | @uri)&base=\($base | @uri)&per_page=1"')
  api "repos/$GITHUB_REPOSITORY/pulls?$address" | jq --compact-output '.[0] // empty'
}

seen_in() { # pull request as JSON, or nothing
  jq --raw-output -L "$HERE" 'include "essence"; .body // "" | head | .seen // empty' <<<"$1"
}

# Push the branch, then have its pull request say what there is to say.
propose() { # our newest pull request as JSON or nothing, digest
  local number='' fields url
  number=$(jq --raw-output 'select(.state == "open") | .number' <<<"$1")
  push_models "$number" || return 1
  addressed "$FOLDER/models.md" "$(place models)" "seen $2" >"$SCRATCH/text"
  if [[ -z "$number" ]]; then
    fields=$(pull_request_fields)
    url=$(send POST pulls "$SCRATCH/text" "$fields") || { no_pull_request && return 1; }
  else
    url=$(jq --raw-output .html_url <<<"$1")
    [[ "$(seen_in "$1")" == "$2" ]] || send PATCH "pulls/$number" "$SCRATCH/text" >/dev/null || refused_by_github
  fi
  output comment-url "$url"
}

no_pull_request() {
  annotate error "No pull request" "$(tail -n 3 "$SCRATCH/refused") The job needs \`pull-requests: write\`, and the repository's settings have to allow Actions to create pull requests."
}

pull_request_fields() {
  jq --null-input --arg head "$IN_BRANCH" --arg base "$GITHUB_REF_NAME" --arg files "${#FILES[@]}" \
    --arg folder "$IN_DIRECTORY" --arg environment "$IN_ENVIRONMENT" '{
    head: $head, base: $base,
    title: ([
      (if $files == "0" then "Models that come to an end" else "Other models" end),
      (select($environment != "") | "in \($environment)"),
      (select($folder != ".") | "of \($folder)")
    ] | join(" "))
  }'
}

# Bring the edit to the branch, one commit upon the one that is checked out; an empty one where there is only the table, since GitHub opens
# no pull request without any. A branch that has the same edit already, or that somebody else has worked on, is left alone.
push_models() { # number of the open pull request, if there is one
  local commit tip
  commit=$(commit_models) || return 1
  tip=$(git ls-remote origin "refs/heads/$IN_BRANCH" | cut -f 1) || return 1
  if [[ -n "$tip" ]]; then
    git fetch --quiet --no-tags origin "+refs/heads/$IN_BRANCH:$OURS" || return 1
    if [[ "$(git show --no-patch --format=%ce "$OURS")" != "$BOT_EMAIL" ]]; then
      annotate notice "Branch left alone" "Somebody has worked on \`$IN_BRANCH\`; its pull request tells what is known now, and the edit is theirs."
      return
    fi
    [[ -z "$1" || "$(edit_of "$OURS")" != "$(edit_of "$commit")" ]] || return 0
  fi
  git push --quiet --no-verify "--force-with-lease=refs/heads/$IN_BRANCH:$tip" origin "$commit:refs/heads/$IN_BRANCH" || {
    annotate error "Branch not pushed" "\`$IN_BRANCH\` could not be written. The job needs \`contents: write\`."
    return 1
  }
}

# Prints a commit upon the one that is checked out, with the files that were edited. The index of the checkout is left alone.
commit_models() (
  export GIT_INDEX_FILE GIT_AUTHOR_NAME=$BOT GIT_AUTHOR_EMAIL=$BOT_EMAIL GIT_COMMITTER_NAME=$BOT GIT_COMMITTER_EMAIL=$BOT_EMAIL
  GIT_INDEX_FILE=$(mktemp -u) || return 1
  trap 'rm -f "$GIT_INDEX_FILE"' EXIT
  git read-tree HEAD || return 1
  ((${#FILES[@]} == 0)) || git add --update -- "${FILES[@]}" || return 1
  tree=$(git write-tree) || return 1
  message='Models that come to an end'
  ((${#FILES[@]} == 0)) || message='Use other models'
  git commit-tree "$tree" -p HEAD -m "$message"
)

# What a commit changes, wherever the lines of it stand; nothing for an empty one.
edit_of() { # commit
  git diff-tree -p "$1^" "$1" | git patch-id --stable | cut -d ' ' -f 1
}

withdraw() { # our newest pull request as JSON, or nothing
  local number
  number=$(jq --raw-output 'select(.state == "open") | .number' <<<"$1")
  [[ -n "$number" ]] || return 0
  remark "$number" "No model in use comes to an end any more, as [this run]($RUN_URL) has found."
  api --method PATCH "repos/$GITHUB_REPOSITORY/pulls/$number" -f state=closed >/dev/null
}
