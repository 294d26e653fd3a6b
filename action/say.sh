# shellcheck shell=bash
# What a run says: annotations, outputs, the summary of the job, and texts that fit where they are put.

SUMMARY_BYTES=1048576 # what GitHub shows of a step

# Annotations for a document with `problems`; their files are given from the workspace.
annotate_problems() { # FILE
  jq --raw-output --arg folder "$IN_DIRECTORY" --from-file "$HERE/annotations.jq" "$1"
}

annotate() { # error|warning|notice, title, text
  jq --null-input --arg severity "$1" --arg summary "$2" --arg detail "$3" \
    '{problems: [{severity: $severity, summary: $summary, detail: $detail}]}' |
    jq --raw-output --arg folder . --from-file "$HERE/annotations.jq"
}

# An output of the step. The delimiter cannot be foreseen, so no value can end early and set another output.
output() { # name, value
  local delimiter
  delimiter=$(random)
  printf '%s<<%s\n%s\n%s\n' "$1" "$delimiter" "$2" "$delimiter" >>"$GITHUB_OUTPUT"
}

random() {
  printf '%08x' "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM"
}

summarise() { # FILE
  fitted "$1" "$SUMMARY_BYTES" >>"$GITHUB_STEP_SUMMARY"
}

# The hidden lines at the beginning of a Markdown text, and what is below them.
hidden() { # FILE
  awk '!/^<!-- provisioner:/ { exit } { print }' "$1"
}

shown() { # FILE
  awk '/^<!-- provisioner:/ && !below { next } { below = 1; print }' "$1"
}

# A Markdown text, or so much of its beginning as fits: what stands above the first details, and a pointer to the rest.
fitted() { # FILE, bytes
  if (($(wc -c <"$1") <= $2)); then
    cat "$1"
    return
  fi
  LC_ALL=C awk -v room="$(($2 - 400))" -f "$HERE/beginning.awk" "$1"
  printf '\n**There is more than fits here.** The rest is in the artifacts of [this run](%s).\n' "$RUN_URL"
}

# The problems of a document as Markdown, below a heading. Nothing in them can leave its fence.
problems_markdown() { # FILE, heading
  jq --raw-output --arg heading "$2" --from-file "$HERE/problems.jq" "$1"
}

# The same of what a command has said on stderr.
log_markdown() { # FILE, heading
  jq --raw-input --slurp '{log: .}' "$1" | jq --raw-output --arg heading "$2" --from-file "$HERE/problems.jq"
}
