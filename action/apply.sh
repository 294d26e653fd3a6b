# shellcheck shell=bash
# The apply of a merge: exactly the plan that the pull request has shown, once, or nothing.

apply_and_tell() {
  local pull comments='[]' reviews='[]' verdict
  pull=$(merged_pull_request "$GITHUB_SHA")
  if [[ "$pull" =~ ^\{\"number\":([0-9]+) ]]; then
    PULL=${BASH_REMATCH[1]}
    comments=$(our_comments "$PULL" "$(place plan)")
    reviews=$(reviews "$PULL")
  fi
  make_plan
  if ! planned; then
    finish failed "$FOLDER/plan.md" "There is no plan that could be applied."
    return
  fi
  verdict=$(verdict "$pull" "$comments" "$reviews")
  mapfile -t verdict <<<"$verdict"
  if [[ -n "${verdict[0]}" ]]; then
    carry_out "${verdict[0]}" "${verdict[1]:-}"
  elif [[ "$PLAN_CODE" == 0 ]]; then # nothing is left to do, so nobody needs to have approved it
    finish unchanged "$FOLDER/plan.md"
  else
    refuse "${verdict[2]:-}"
  fi
}

# Three lines: the checksum that is approved, the commit that it is approved for, the reason why it is not.
verdict() { # the merged pull request, or nothing; our comments on it; its reviews: all as JSON
  local text=$SCRATCH/text asked=$SCRATCH/asked relation
  addressed "$FOLDER/plan.md" "$(place plan)" >"$text"
  relation=$(relation)
  # Comments may be longer than an argument of a command.
  printf '%s\n' "${1:-null}" "$2" "$3" >"$asked"
  jq --null-input --raw-output --arg given "$IN_CHECKSUM" --arg commit "$GITHUB_SHA" --arg runs "$RUNS" --arg relation "$relation" \
    --slurpfile facts "$asked" --slurpfile plan "$FOLDER/plan.json" --rawfile text "$text" -L "$HERE" --from-file "$HERE/approval.jq"
}

# How this commit stands to the one that was applied last; nothing where that is not known.
relation() {
  local applied found
  applied=$(jq --raw-output '.lock.applied.commit // ""' "$FOLDER/plan.json")
  [[ -n "$applied" && "$applied" != "$GITHUB_SHA" ]] || return 0
  found=$(compared "$(jq --raw-output --null-input --arg commit "$applied" '$commit | @uri')" "$GITHUB_SHA")
  if [[ ! "$found" =~ ^(ahead|identical|behind)$ ]]; then
    annotate notice "History was changed" "What was applied last, \`$applied\`, is not in the history of this commit ($found)." >&3
  fi
  echo "$found"
}

refuse() { # reason
  report
  refusal "$1" >"$FOLDER/refused.md"
  finish refused "$FOLDER/refused.md" "$1"
}

# The reason, the ways out, and the plan as it is now, without the hidden lines of a plan that is shown for approval.
refusal() { # reason
  local workflow=${GITHUB_WORKFLOW_REF%@*} where
  where=$(place_words)
  cat <<END
## Not applied${where:+ to$where}

**Nothing was changed.** $1

How to go on, one or the other:

- Open another pull request: its comment shows the plan as it is then, and merging it applies that.
- If the plan below is right, [run the workflow by hand]($RUNS/workflows/${workflow##*/}) with the checksum \`$CHECKSUM\`.

---

END
  shown "$FOLDER/plan.md"
}

# Apply under one lease, where the plan is made once more and has to be what was approved. An empty plan is applied too: the lock may have
# to learn what the service has already.
carry_out() { # checksum, commit
  local code=0 checks=() back=''
  if [[ "$IN_CHECK" == true ]]; then
    checks+=(--check) # no part of the plan, so that nothing else is approved with it
    guard_callables
  fi
  run_provisioner apply --auto-approve --checksum "$1" ${2:+--commit "$2"} "${checks[@]}" --format markdown "${PLAN_WORDS[@]}" \
    >"$FOLDER/applied.md" || code=$?
  ((code != 1)) || back=$(way_back)
  if [[ ! -s "$FOLDER/applied.md" ]]; then
    log_markdown "$FOLDER/log" "Not applied" >"$FOLDER/applied.md"
  fi
  if [[ -n "$back" ]]; then
    finish_unproved "$back"
  elif ((code != 0)); then
    finish failed "$FOLDER/applied.md" "Applying ended with the exit code $code."
  elif [[ "$PLAN_CODE" == 0 ]]; then
    finish unchanged "$FOLDER/applied.md"
  else
    finish applied "$FOLDER/applied.md"
  fi
}

# What is applied, and does not hold: which commit takes it back. Nothing where it is not the checks that failed.
way_back() {
  sed -n '/^A check failed\. What was applied stays applied\./p' "$FOLDER/log" | tail -n 1
}

# It is applied, so that is the result; the step fails all the same.
finish_unproved() { # the way back
  { printf '> [!CAUTION]\n> %s\n\n' "$1" && cat "$FOLDER/applied.md"; } >"$SCRATCH/applied"
  mv "$SCRATCH/applied" "$FOLDER/applied.md"
  finish applied "$FOLDER/applied.md"
  annotate error "Checks failed" "$1 The summary of the job has what was said and what was expected."
  return 1
}

# Tell the result where it will be looked for: in the job's summary and outcome, and on the pull request.
finish() { # applied|unchanged|refused|failed, FILE, reason
  output result "$1"
  summarise "$2"
  if [[ "$IN_COMMENT" == true && -n "$PULL" && "$1" != unchanged ]]; then
    tell_pull_request "$1" "$2"
  fi
  if [[ "$1" == refused || "$1" == failed ]]; then
    annotate error "Not applied" "$3 The summary of the job has the details and how to go on."
    return 1
  fi
}

# A further comment: what happened stays on record. What GitHub does not take is said in a line, and that nobody knows of it in an annotation: what
# was applied is applied.
tell_pull_request() { # result, FILE
  local text=$SCRATCH/text place url=''
  place=$(place apply)
  addressed "$2" "$place" >"$text"
  if ! url=$(comment "$PULL" "$text" "$place"); then
    printf '## Result: %s\n\nGitHub did not take the details as a comment.\n' "$1" >"$SCRATCH/short"
    addressed "$SCRATCH/short" "$place" >"$text"
    if ! url=$(comment "$PULL" "$text" "$place"); then
      annotate warning "Pull request not told" "The result is \`$1\`, and GitHub took no comment about it: $(tail -n 1 "$SCRATCH/refused")"
    fi
  fi
  [[ -z "$url" ]] || output comment-url "$url"
}
