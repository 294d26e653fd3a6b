# shellcheck shell=bash
# The plan of a pull request: made, shown in one comment, and remembered by its checksum.

PLAN_IS=''   # `plan`, or `problems` that are in the way of one; nothing where the command has ended without either
PLAN_CODE='' # 0 no changes, 2 changes, anything else a plan that cannot be applied
CHECKSUM=''  # of a plan that can be approved: one that can be applied, and that has seen the service
ELSEWHERE='' # what the pull request changes of where keys go; then there is no key, and nothing to approve

plan_and_show() {
  if [[ "$OUTSIDE" == false && -n "$BASE_BRANCH" ]]; then
    look_where_keys_go
  fi
  make_plan
  report
  summarise "$FOLDER/plan.md"
  if [[ "$IN_COMMENT" == true && -n "$PULL" && "$OUTSIDE" == false ]]; then
    comment_plan
  fi
  planned
}

# Hold the environment against what the base branch says of it. A pull request that sends the key elsewhere, or another key, gets none.
look_where_keys_go() {
  local base=$SCRATCH/base path=provisioner.yaml code=0 facts
  [[ "$IN_DIRECTORY" == . ]] || path=$IN_DIRECTORY/$path
  mkdir "$base"
  file_at "$BASE_BRANCH" "$path" >"$base/provisioner.yaml" || code=$?
  case $code in
  0) ;;
  4) rm "$base/provisioner.yaml" ;;
  *) not_answered >&3 && return 1 ;;
  esac
  if run_provisioner compare-origin "$base" >"$SCRATCH/origin"; then
    facts=$(jq --raw-output '(.differs | map("`\(.)`") | join(", ")), .api_key' "$SCRATCH/origin")
    mapfile -t facts <<<"$facts"
    ELSEWHERE=${facts[0]}
    [[ -z "$ELSEWHERE" ]] || KEYLESS=(env -u OPENAI_API_KEY -u "${facts[1]}")
  else # what nobody can read goes nowhere; the plan says what is wrong with it
    ELSEWHERE='what cannot be read' KEYLESS=(env -u OPENAI_API_KEY)
  fi
}

# Plan into the folder: `plan.json` (or the problems) and `plan.md`.
make_plan() {
  local words=(--json --detailed-exitcode) title facts
  title="No plan for$(place_words)"
  title=${title% for}
  [[ "$OUTSIDE" == false && -z "$ELSEWHERE" ]] || words+=(--no-refresh)
  PLAN_CODE=0
  run_provisioner plan "${words[@]}" "${PLAN_WORDS[@]}" >"$FOLDER/plan.json" || PLAN_CODE=$?
  annotate_problems "$FOLDER/plan.json"
  facts=$(jq --raw-output --from-file "$HERE/plan.jq" "$FOLDER/plan.json")
  mapfile -t facts <<<"$facts"
  CHECKSUM=${facts[1]:-}
  PLAN_IS=${facts[0]}
  if [[ "$PLAN_IS" == plan ]]; then
    run_provisioner show "$FOLDER/plan.json" --format markdown | with_warning >"$FOLDER/plan.md"
  elif [[ "$PLAN_IS" == problems ]]; then
    problems_markdown "$FOLDER/plan.json" "$title" >"$FOLDER/plan.md"
  else
    log_markdown "$FOLDER/log" "$title" >"$FOLDER/plan.md"
    annotate error "No plan" "$(<"$FOLDER/log")"
  fi
  tell_plan "${facts[2]:-}"
}

# The plan of a pull request that changes where keys go says that first.
with_warning() {
  local said=$SCRATCH/plan
  if [[ -z "$ELSEWHERE" ]]; then
    cat
    return
  fi
  cat >"$said"
  hidden "$said"
  cat <<END
> [!CAUTION]
> **This changes where keys go:** \`provisioner.yaml\` differs from the one of \`${BASE_BRANCH//\`/_}\` in $ELSEWHERE. So the plan was made
> against the lock alone and without a key, and merging does not approve it. After the merge, somebody has to run the workflow by hand.

END
  shown "$said"
  annotate warning "Keys go elsewhere" "\`provisioner.yaml\` differs from the one of the base branch in $ELSEWHERE: planned without a key." >&3
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
  if planned && [[ "$OUTSIDE" == false && -z "$ELSEWHERE" ]]; then
    output checksum "$CHECKSUM"
  else
    CHECKSUM=''
  fi
}

# One comment for a place: kept while it is right, brought up to date by a further commit. Where the plan of the same commit comes out
# differently, somebody may have approved what was shown before: that comment stays as outdated, and there is a new one.
comment_plan() {
  local text=$SCRATCH/text place ours what url=''
  place=$(place plan)
  plan_text "$place" >"$text"
  ours=$(our_comments "$PULL" "$place")
  what=$(jq --raw-output --rawfile text "$text" --arg runs "$RUNS" -L "$HERE" --from-file "$HERE/sticky.jq" <<<"$ours")
  mapfile -t what <<<"$what"
  case ${what[0]} in
  keep) url=$(jq --raw-output '.[-1].url' <<<"$ours") ;;
  edit)
    plan_text "$place" ${what[2]:+"earlier ${what[2]}"} >"$text"
    url=$(send PATCH "issues/comments/${what[1]}" "$text") || refused_by_github
    ;;
  new)
    url=$(comment "$PULL" "$text" "$place") || refused_by_github
    [[ -z "${what[1]:-}" ]] || outdate "${what[1]}" "$place" "$url"
    ;;
  esac
  output comment-url "$url"
}

plan_text() { # place, further hidden lines…
  addressed "$FOLDER/plan.md" "$1" "$(shown_for)" "${@:2}"
}

# The commit of the pull request that is planned.
shown_for() {
  echo "commit $PULL_HEAD"
}

refused_by_github() {
  not_answered >&3
  exit 1
}

# What was shown before stays to be read in the history of the comment, and tells what took its place.
outdate() { # comment, place, address of the new one
  local text=$SCRATCH/outdated
  {
    printf '<!-- provisioner:%s -->\n' "place $2" "$(shown_for)" "outdated $RUN_URL"
    printf '### Outdated\n\nThe plan of this commit came out differently when it was made again. [This comment](%s) shows it.\n' "$3"
  } >"$text"
  send PATCH "issues/comments/$1" "$text" >/dev/null || refused_by_github
}
