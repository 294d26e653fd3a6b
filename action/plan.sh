# shellcheck shell=bash
# The plan of a pull request: made, shown in one comment, and remembered by its checksum.

PLAN_IS=''   # `plan`, or `problems` that are in the way of one; nothing where the command has ended without either
PLAN_CODE='' # 0 no changes, 2 changes, anything else a plan that cannot be applied
CHECKSUM=''  # of a plan that can be approved: one that can be applied, and that has seen the service

plan_and_show() {
  make_plan
  report
  summarise "$FOLDER/plan.md"
  if [[ "$IN_COMMENT" == true && -n "$PULL" && "$OUTSIDE" == false ]]; then
    comment_plan
  fi
  planned
}

# Plan into the folder: `plan.json` (or the problems) and `plan.md`.
make_plan() {
  local words=(--json --detailed-exitcode) title="No plan${IN_ENVIRONMENT:+ for \`$IN_ENVIRONMENT\`}" facts
  [[ "$OUTSIDE" == false ]] || words+=(--no-refresh)
  PLAN_CODE=0
  run_provisioner plan "${words[@]}" "${PLAN_WORDS[@]}" >"$FOLDER/plan.json" || PLAN_CODE=$?
  annotate_problems "$FOLDER/plan.json"
  facts=$(jq --raw-output --from-file "$HERE/plan.jq" "$FOLDER/plan.json")
  mapfile -t facts <<<"$facts"
  CHECKSUM=${facts[1]:-}
  PLAN_IS=${facts[0]}
  if [[ "$PLAN_IS" == plan ]]; then
    run_provisioner show "$FOLDER/plan.json" --format markdown >"$FOLDER/plan.md"
  elif [[ "$PLAN_IS" == problems ]]; then
    problems_markdown "$FOLDER/plan.json" "$title" >"$FOLDER/plan.md"
  else
    log_markdown "$FOLDER/log" "$title" >"$FOLDER/plan.md"
    annotate error "No plan" "$(<"$FOLDER/log")"
  fi
  tell_plan "${facts[2]:-}"
}

# The plan for a browser, where there is one to be looked at.
report() {
  if [[ "$PLAN_IS" == plan ]]; then
    run_provisioner show "$FOLDER/plan.json" --format html >"$FOLDER/report.html"
  fi
}

planned() {
  [[ "$PLAN_CODE" =~ ^(0|2)$ ]]
}

tell_plan() { # the plan in a line
  case $PLAN_CODE in
  0) output changes false && output summary "No changes" ;;
  2) output changes true && output summary "$1" ;;
  *) output summary "$1" ;;
  esac
  if planned && [[ "$OUTSIDE" == false ]]; then
    output checksum "$CHECKSUM"
  else
    CHECKSUM=''
  fi
}

comment_plan() {
  local url
  url=$(post_sticky "$PULL" "$FOLDER/plan.md" "$(place plan)" "commit $PULL_HEAD")
  output comment-url "$url"
}
