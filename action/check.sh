# shellcheck shell=bash
# The checks of a pull request: what it would make, held beside what is applied. They have a comment of their own: what is approved is
# the plan alone.

check_and_tell() {
  local code=0
  if [[ "$OUTSIDE" == true ]]; then
    not_checked "It comes from a fork, or from Dependabot: whoever wrote it would have conversations held with your key."
    return 1
  fi
  if [[ -n "$BASE_BRANCH" ]]; then
    look_where_keys_go
  fi
  if [[ -n "$ELSEWHERE" ]]; then
    not_checked "It changes where keys go: \`provisioner.yaml\` differs from the one of \`${BASE_BRANCH//\`/_}\` in $ELSEWHERE."
    return 1
  fi
  hold_checks || code=$?
  summarise "$FOLDER/check.md"
  if [[ "$IN_COMMENT" == true && -n "$PULL" ]]; then
    comment_checks
  fi
  return "$code"
}

# Nothing is asked and no key is used; what is not checked is red.
not_checked() { # why
  printf '### Not checked\n\n%s\n' "$1" >"$FOLDER/check.md"
  summarise "$FOLDER/check.md"
  output summary "Not checked"
  annotate error "Not checked" "$1"
}

# Checks run no code of the workspace where that is not asked for.
guard_callables() {
  [[ "$IN_CALLABLES" == true ]] || export PROVISIONER_NO_CALLABLES=1
}

# Into the folder: `check.md` and `checks.xml`. A branch that is to be merged is checked as it is planned, anything else as it is applied.
hold_checks() {
  local words=(--format markdown --junit "$FOLDER/checks.xml") code=0 said
  [[ -z "$BASE_BRANCH" ]] || words+=(--planned)
  guard_callables
  run_provisioner check "${words[@]}" "${CHECK_WORDS[@]}" >"$FOLDER/check.md" || code=$?
  if [[ ! -s "$FOLDER/check.md" ]]; then # there were none to be held
    log_markdown "$FOLDER/log" "Not checked" >"$FOLDER/check.md"
    output summary "Not checked"
    annotate error "Not checked" "$(<"$FOLDER/log")"
    return 1
  fi
  said=$(sed -n 's/^\*\*\(.*\)\*\*$/\1/p;T;q' "$FOLDER/check.md")
  output summary "$said"
  ((code == 0)) || annotate error "Checks failed" "$said"
  return "$code"
}

# One comment for a place, which each run brings up to date.
comment_checks() {
  local text=$SCRATCH/checks place ours id url
  place=$(place check)
  addressed "$FOLDER/check.md" "$place" "$(shown_for)" >"$text"
  ours=$(our_comments "$PULL" "$place")
  id=$(jq --raw-output '.[-1].id // empty' <<<"$ours")
  if [[ -n "$id" ]]; then
    url=$(send PATCH "issues/comments/$id" "$text") || refused_by_github
  else
    url=$(comment "$PULL" "$text" "$place") || refused_by_github
  fi
  output comment-url "$url"
}
