# shellcheck shell=bash
# The nightly look for edits by hand: one issue for as long as there are any.

drift_and_tell() {
  local code=0 issue
  run_provisioner drift --format markdown >"$FOLDER/drift.md" || code=$?
  if [[ ! "$code" =~ ^(0|2)$ ]]; then
    drift_unknown
    return 1
  fi
  output changes "$([[ $code == 2 ]] && echo true || echo false)"
  summarise "$FOLDER/drift.md"
  issue=$(our_issue "$IN_LABEL" "$(place drift)")
  if ((code == 2)); then
    tell_drift "$issue"
    [[ "$IN_FAIL_ON_DRIFT" != true ]]
  elif [[ -n "$issue" ]]; then
    close_issue "$(jq .id <<<"$issue")"
  fi
}

drift_unknown() {
  log_markdown "$FOLDER/log" "Drift is not known" >"$FOLDER/drift.md"
  summarise "$FOLDER/drift.md"
  annotate error "Drift is not known" "$(<"$FOLDER/log")"
}

tell_drift() { # our open issue as JSON, or nothing
  local digest fields url
  digest=$(jq --raw-input --slurp --raw-output --arg runs "$RUNS" -L "$HERE" 'include "essence"; essence($runs)' "$FOLDER/drift.md" |
    sha256sum | cut -c 1-64)
  if [[ -z "$1" ]]; then
    fields=$(issue_fields)
    drift_text "$digest"
    url=$(send POST issues "$SCRATCH/text" "$fields") || refused_by_github
  else
    url=$(jq --raw-output .url <<<"$1")
    update_issue "$1" "$digest"
  fi
  output comment-url "$url"
}

# Say something only if what has drifted is not what the issue tells already: lines of specs and serials do not count.
update_issue() { # our open issue as JSON, digest
  local number
  number=$(jq .id <<<"$1")
  if ! jq --exit-status --arg digest "$2" '.head.seen == $digest' <<<"$1" >/dev/null; then
    drift_text "$2"
    send PATCH "issues/$number" "$SCRATCH/text" >/dev/null || refused_by_github
    remark "$number" "The drift has changed, as [this run]($RUN_URL) has found; the text above is up to date."
  fi
}

drift_text() { # digest; into $SCRATCH/text
  addressed "$FOLDER/drift.md" "$(place drift)" "seen $1" >"$SCRATCH/text"
}

issue_fields() {
  jq --null-input --arg tag "$IN_LABEL" --arg folder "$IN_DIRECTORY" --arg environment "$IN_ENVIRONMENT" '{
    labels: [$tag],
    title: (["Drift", (select($environment != "") | "in \($environment)"), (select($folder != ".") | "of \($folder)")] | join(" "))
  }'
}

close_issue() { # number
  remark "$1" "In sync again, as [this run]($RUN_URL) has found."
  api --method PATCH "repos/$GITHUB_REPOSITORY/issues/$1" -f state=closed -f state_reason=completed >/dev/null
}

remark() { # issue, text
  printf '%s\n' "$2" >"$SCRATCH/text"
  send POST "issues/$1/comments" "$SCRATCH/text" >/dev/null || refused_by_github
}
