# shellcheck shell=bash
# Edits by hand that come back: `accept` writes them into the specs of the checkout, and one pull request has them. What it cannot place is
# said there, and in the issue.

# Only upon the branch that they are to be merged into, as it is or was.
check_where_edits_come_back() {
  local input='accept: pull-request'
  check_where_edits_go "$input"
  [[ -z "$BASE_BRANCH" && "${GITHUB_REF_TYPE:-branch}" == branch ]] || wrong "\`$input\` runs on a branch, on a schedule or by hand."
  fetch_base || wrong "\`$input\` needs the branch \`$GITHUB_REF_NAME\`, which cannot be fetched."
  git merge-base --is-ancestor HEAD "$BASE" || wrong "\`$input\` needs a checkout of \`$GITHUB_REF_NAME\`; what is checked out is no commit of it."
}

# The issue is told whatever becomes of the pull request; what went wrong with that is in FAILED.
accept_and_tell() { # our open issue as JSON, or nothing
  local newest
  newest=$(our_pull_request) && tell_if_open "$newest" && accept_edits || FAILED=true
  if [[ "$FAILED" == true ]]; then
    tell_drift "$1"
  elif ((${#FILES[@]} == 0)); then
    shown "$FOLDER/accept.md" >"$SCRATCH/back.md"
    tell_drift "$1"
    take_back "$newest" "Nothing of what is edited by hand can be written into the specs, as [this run]($RUN_URL) has found."
  elif [[ "$(what_became "$newest")" == refused && "$(in_head "$newest" edit)" == "$(edit_word)" ]]; then
    printf 'These edits were offered in %s, which was closed. The next apply undoes them.\n\n' "$(jq --raw-output .html_url <<<"$newest")" >"$SCRATCH/back.md"
    tell_drift "$1"
  else
    bring_back "$newest" "$1"
  fi
}

# The newest pull request from our branch, if it is about this place. An open one that is not is in the way.
our_pull_request() {
  local newest
  newest=$(newest_pull_request) || return 1
  if [[ "$(in_head "$newest" place)" == "$(place accept)" ]]; then
    echo "$newest"
  elif [[ -n "$(number_if_open "$newest")" ]]; then
    annotate error "Branch is taken" "$(jq --raw-output .html_url <<<"$newest") is about something else. Give this job another \`branch\`." >&3
    return 1
  fi
}

# Into $FOLDER/accept.md what comes back and what does not; into FILES the files that were edited.
accept_edits() {
  run_provisioner accept --format markdown --out "$SCRATCH/accepted" >"$FOLDER/accept.md" || true # 1 also where something has no place
  if [[ ! -s "$FOLDER/accept.md" ]] || ! jq --exit-status .files "$SCRATCH/accepted" >/dev/null 2>&1; then
    log_markdown "$FOLDER/log" "The edits do not come back" >"$FOLDER/accept.md"
    summarise "$FOLDER/accept.md"
    annotate error "Edits do not come back" "$(<"$FOLDER/log")"
    return 1
  fi
  summarise "$FOLDER/accept.md"
  mapfile -t FILES < <(jq --raw-output '.files[]' "$SCRATCH/accepted")
}

what_became() { # pull request as JSON, or nothing
  jq --raw-output 'if .state == "open" then "open" elif .merged_at then "merged" else "refused" end' <<<"$1"
}

# What was edited at the service, as one word: wherever it is written, and whatever else is said.
edit_word() {
  jq --compact-output '.accepted | map({address, path, after})' "$SCRATCH/accepted" | sha256sum | cut -c 1-64
}

# The issue says where the edits are.
tell_if_open() { # pull request as JSON, or nothing
  jq --raw-output 'select(.state == "open") |
    "\(.html_url) has the edits. Merging it keeps them; the next apply undoes them otherwise.\n"' <<<"$1" >"$SCRATCH/back.md"
}

# The issue and the pull request name each other, so that the issue is written twice in the first night.
bring_back() { # our newest pull request as JSON or nothing, our open issue as JSON or nothing
  local text=$SCRATCH/told.md
  tell_drift "$2"
  {
    hidden "$FOLDER/accept.md"
    printf 'These edits were made at the service, as %s says. Merging this keeps them; the next apply undoes them otherwise.\n\n' "$ISSUE_URL"
    shown "$FOLDER/accept.md"
  } >"$text"
  propose "$1" "$text" "$(place accept)" "$(digest <"$text")" "$(titled 'Edits by hand')" 'Keep edits by hand' "edit $(edit_word)" || FAILED=true
  if [[ "$FAILED" != true && -z "$(number_if_open "$1")" ]]; then
    tell_if_open "$(jq --null-input --arg url "$PULL_URL" '{state: "open", html_url: $url}')"
    tell_drift "$TOLD"
  fi
}

take_back() { # our newest pull request as JSON or nothing, why
  withdraw "$1" "$2"
  [[ -z "$1" ]] || delete_branch
}
