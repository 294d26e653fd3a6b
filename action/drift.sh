# shellcheck shell=bash
# The nightly look for edits by hand: one issue for as long as there are any.

drift_and_tell() {
  local code=0 issue
  FAILED=false
  : >"$SCRATCH/back.md"
  [[ -z "$IN_ACCEPT" ]] || check_where_edits_come_back
  run_provisioner drift --format markdown >"$FOLDER/drift.md" || code=$?
  if [[ ! "$code" =~ ^(0|2)$ ]]; then
    drift_unknown
    return 1
  fi
  output changes "$([[ $code == 2 ]] && echo true || echo false)"
  summarise "$FOLDER/drift.md"
  issue=$(our_issue "$IN_LABEL" "$(place drift)")
  if ((code == 2)); then
    if [[ -n "$IN_ACCEPT" ]]; then
      accept_and_tell "$issue"
    else
      tell_drift "$issue"
    fi
    [[ "$IN_FAIL_ON_DRIFT" != true && "$FAILED" != true ]]
  else
    [[ -z "$issue" ]] || close_issue "$(jq .id <<<"$issue")"
    [[ -z "$IN_ACCEPT" ]] || nothing_edited
  fi
}

nothing_edited() {
  local newest
  newest=$(our_pull_request)
  take_back "$newest" "Nothing is edited by hand any more, as [this run]($RUN_URL) has found."
}

drift_unknown() {
  log_markdown "$FOLDER/log" "Drift is not known" >"$FOLDER/drift.md"
  summarise "$FOLDER/drift.md"
  annotate error "Drift is not known" "$(<"$FOLDER/log")"
}

# The issue as it is then is in TOLD, its address in ISSUE_URL.
tell_drift() { # our open issue as JSON, or nothing
  local seen back=''
  seen=$(digest <"$FOLDER/drift.md")
  [[ ! -s "$SCRATCH/back.md" ]] || back=$(digest <"$SCRATCH/back.md")
  drift_text "$seen" "$back"
  if [[ -z "$1" ]]; then
    ISSUE_URL=$(send POST issues "$SCRATCH/text" "$(issue_fields)") || refused_by_github
  else
    ISSUE_URL=$(jq --raw-output .url <<<"$1")
    update_issue "$1" "$seen" "$back"
  fi
  TOLD=$(jq --null-input --arg url "$ISSUE_URL" --arg seen "$seen" --arg back "$back" \
    '{id: ($url | split("/") | last), $url, head: {$seen, $back}}')
  output comment-url "$ISSUE_URL"
}

# Say something only if what has drifted is not what the issue tells already: lines of specs and serials do not count.
update_issue() { # our open issue as JSON, digest, digest of what comes back
  local number
  number=$(jq --raw-output .id <<<"$1")
  if ! jq --exit-status --arg seen "$2" --arg back "$3" '.head | .seen == $seen and (.back // "") == $back' <<<"$1" >/dev/null; then
    send PATCH "issues/$number" "$SCRATCH/text" >/dev/null || refused_by_github
  fi
  if ! jq --exit-status --arg seen "$2" '.head.seen == $seen' <<<"$1" >/dev/null; then
    remark "$number" "The drift has changed, as [this run]($RUN_URL) has found; the text above is up to date."
  fi
}

# Into $SCRATCH/text: what becomes of the edits, if somebody has asked for that, and what they are.
drift_text() { # digest, digest of what comes back
  local whole=$FOLDER/drift.md
  if [[ -n "$2" ]]; then
    whole=$SCRATCH/drift.md
    { hidden "$FOLDER/drift.md" && cat "$SCRATCH/back.md" && shown "$FOLDER/drift.md"; } >"$whole"
  fi
  addressed "$whole" "$(place drift)" "seen $1" ${2:+"back $2"} >"$SCRATCH/text"
}

issue_fields() {
  jq --null-input --arg tag "$IN_LABEL" --arg title "$(titled Drift)" '{labels: [$tag], title: $title}'
}

close_issue() { # number
  remark "$1" "In sync again, as [this run]($RUN_URL) has found."
  api --method PATCH "repos/$GITHUB_REPOSITORY/issues/$1" -f state=closed -f state_reason=completed >/dev/null
}

remark() { # issue, text
  printf '%s\n' "$2" >"$SCRATCH/text"
  send POST "issues/$1/comments" "$SCRATCH/text" >/dev/null || refused_by_github
}
