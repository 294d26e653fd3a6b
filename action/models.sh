# shellcheck shell=bash
# Models that come to an end: one pull request with the table of all that are in use and, where `replace` says so, with other ones in the
# specs. It is opened again only when there is something else to say.

models_and_propose() {
  local pull digest
  check_where_edits_go "command: models"
  write_models || return 1
  summarise "$FOLDER/models.md"
  pull=$(newest_pull_request)
  if ((${#FILES[@]} == 0)) && ! ending true; then
    ending false || return 0 # nobody knows: nothing to open, and nothing to close
    output changes false
    withdraw "$pull" "No model in use comes to an end any more, as [this run]($RUN_URL) has found."
    return
  fi
  output changes true
  digest=$(sed '/^<sub>/d' "$FOLDER/models.md" | digest) # who says so is nothing new, nor is that somebody does not answer today
  if [[ "$(in_head "$pull" seen)" == "$digest" && "$(jq --raw-output '.state // empty' <<<"$pull")" == closed ]]; then
    annotate notice "Nothing new about models" "$(jq --raw-output .html_url <<<"$pull") has said it, and was closed."
  else
    propose_models "$pull" "$digest"
  fi
}

propose_models() { # our newest pull request as JSON or nothing, digest
  local title='Models that come to an end' message='Models that come to an end'
  ((${#FILES[@]} == 0)) || title='Other models' message='Use other models'
  propose "$1" "$FOLDER/models.md" "$(place models)" "$2" "$(titled "$title")" "$message" || return 1
  output comment-url "$PULL_URL"
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
