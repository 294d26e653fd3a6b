# shellcheck shell=bash
# The apply of a merge: exactly the plan that the pull request has shown, or nothing.

apply_and_tell() {
  local pull comment='' approval checksum reason
  pull=$(merged_pull_request "$GITHUB_SHA")
  if [[ "$pull" =~ ^\{\"number\":([0-9]+) ]]; then
    PULL=${BASH_REMATCH[1]}
    comment=$(our_comment "$PULL" "$(place plan)")
  fi
  approval=$(approval "$pull" "$comment")
  mapfile -t approval <<<"$approval"
  checksum=${approval[0]} reason=${approval[1]:-}
  make_plan
  if ! planned; then
    finish failed "$FOLDER/plan.md" "There is no plan that could be applied."
  elif [[ -n "$checksum" ]] && same_plan "$checksum"; then
    carry_out "$checksum"
  elif [[ "$PLAN_CODE" == 0 ]]; then # nothing is left to do, so nobody needs to have approved it
    finish unchanged "$FOLDER/plan.md"
  else
    refuse "${reason:-"$(other_plan "$checksum")"}"
  fi
}

# Two lines: the checksum that somebody approved, or the reason why nobody could have.
approval() { # the merged pull request, our comment on it; both as JSON, or nothing
  jq --null-input --raw-output --arg given "$IN_CHECKSUM" --arg commit "$GITHUB_SHA" \
    --argjson pull "${1:-null}" --argjson comment "${2:-null}" --from-file "$HERE/approval.jq"
}

same_plan() { # checksum
  [[ "${1#sha256:}" == "${CHECKSUM#sha256:}" ]]
}

other_plan() { # checksum
  echo "The plan is not the one that was approved, whose checksum is \`$1\`. Something that it depends on has changed" \
    "since, by another merge or at the service."
}

refuse() { # reason
  report
  refusal "$1" >"$FOLDER/refused.md"
  finish refused "$FOLDER/refused.md" "$1"
}

# The reason, the ways out, and the plan as it is now, without the hidden lines of a plan that is shown for approval.
refusal() { # reason
  local workflow=${GITHUB_WORKFLOW_REF%@*}
  cat <<END
## Not applied

**Nothing was changed.** $1

How to go on, one or the other:

- Open another pull request: its comment shows the plan as it is then, and merging it applies that.
- If the plan below is right, [run the workflow by hand]($RUNS/workflows/${workflow##*/}) with the checksum \`$CHECKSUM\`.

---

END
  shown "$FOLDER/plan.md"
}

# Apply under one lease, where the plan is made once more and has to have the same checksum. An empty plan is applied too:
# the lock may have to learn what the service has already.
carry_out() { # checksum
  local code=0
  run_provisioner apply --auto-approve --checksum "$1" --format markdown "${PLAN_WORDS[@]}" >"$FOLDER/applied.md" || code=$?
  if [[ ! -s "$FOLDER/applied.md" ]]; then
    log_markdown "$FOLDER/log" "Not applied" >"$FOLDER/applied.md"
  fi
  if ((code != 0)); then
    finish failed "$FOLDER/applied.md" "Applying ended with the exit code $code."
  elif [[ "$PLAN_CODE" == 0 ]]; then
    finish unchanged "$FOLDER/applied.md"
  else
    finish applied "$FOLDER/applied.md"
  fi
}

# Tell the result where it will be looked for: in the job's summary and outcome, and on the pull request.
finish() { # applied|unchanged|refused|failed, FILE, reason
  local url
  output result "$1"
  summarise "$2"
  if [[ "$IN_COMMENT" == true && -n "$PULL" && "$1" != unchanged ]]; then
    url=$(post "$PULL" "$2" "$(place apply)")
    output comment-url "$url"
  fi
  if [[ "$1" == refused || "$1" == failed ]]; then
    annotate error "Not applied" "$3 The summary of the job has the details and how to go on."
    return 1
  fi
}
