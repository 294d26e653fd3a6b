# shellcheck shell=bash
# What a run knows of its repository and pull request, and what it writes there: `gh api`, and nothing else.

COMMENT_BYTES=65536                # GitHub counts characters; bytes are never fewer
RETRY_SECONDS=${RETRY_SECONDS:-2}  # before the second try; each further one waits twice as long

# What the run is about: one workspace and environment of the repository. It stands in the head of everything written.
place() { # plan|apply|check|drift|accept|models
  echo "$1/${IN_DIRECTORY//[<>]/_}/${IN_ENVIRONMENT//[<>]/_}"
}

# The same for readers: `prod`, or `prod` of `desks/first`.
place_words() {
  local words=${IN_ENVIRONMENT:+" \`$IN_ENVIRONMENT\`"}
  [[ "$IN_DIRECTORY" == . ]] || words+=" of \`${IN_DIRECTORY//\`/_}\`"
  echo "$words"
}

# The title of an issue or a pull request: `Drift in prod of desks/first`.
titled() { # what it is about
  local words="$1${IN_ENVIRONMENT:+ in $IN_ENVIRONMENT}"
  [[ "$IN_DIRECTORY" == . ]] || words+=" of $IN_DIRECTORY"
  echo "$words"
}

# What has started the run: the number and head of a pull request, the branch that it is to be merged into, also by a merge queue, and
# whether it comes from OUTSIDE. Somebody without the right to push decides then what is in the workspace; there are no secrets, and the
# token can only read.
read_event() {
  local facts
  facts=$(jq --raw-output '.pull_request as $pull | ($pull.number // ""), ($pull.head.sha // ""),
    ($pull and ($pull.head.repo.full_name != .repository.full_name or env.GITHUB_ACTOR == "dependabot[bot]") | not | not),
    ($pull.base.ref // (.merge_group.base_ref // "" | ltrimstr("refs/heads/")))
    ' "$GITHUB_EVENT_PATH")
  mapfile -t facts <<<"$facts"
  PULL=${facts[0]} PULL_HEAD=${facts[1]} OUTSIDE=${facts[2]} BASE_BRANCH=${facts[3]:-}
}

# Ask GitHub. Returns 4 where there is no such thing, 1 where it does not answer or refuses, which is then in $SCRATCH/refused. What may go
# through a moment later is tried again; what is made, and may have been made although the answer was lost, is not.
ask() { # arguments of `gh api`
  local try pause=$RETRY_SECONDS
  for try in 1 2 3 4; do
    if gh api "$@" >"$SCRATCH/answer" 2>"$SCRATCH/refused"; then
      cat "$SCRATCH/answer"
      return
    fi
    if grep -qE 'HTTP (404|410)' "$SCRATCH/refused"; then
      return 4
    fi
    if [[ "$try" == 4 ]] || is_final "$*"; then
      return 1
    fi
    sleep "$pause"
    pause=$((pause * 2))
  done
}

# Whether another try is in vain: a refusal, but for one because of too many requests; or a lost answer to what must not be done twice.
is_final() { # arguments
  if grep -qiE 'HTTP 429|rate limit' "$SCRATCH/refused"; then
    return 1
  fi
  grep -qE 'HTTP 4[0-9][0-9]' "$SCRATCH/refused" || [[ "$1" == *"--method POST "* ]]
}

# The same for what has to be there: a failure is said where it is looked for.
api() { # arguments of `gh api`
  ask "$@" || {
    not_answered >&3
    return 1
  }
}

not_answered() {
  annotate error "GitHub does not answer" "$(tail -n 3 "$SCRATCH/refused") Run the job again once it does; look at the permissions of the job if it refuses."
}

query() { # FILE.graphql, further fields…
  local file=$1 owner=${GITHUB_REPOSITORY%%/*} name=${GITHUB_REPOSITORY#*/}
  shift
  api graphql --paginate -F "query=@$HERE/$file" -f "owner=$owner" -f "name=$name" "$@"
}

# Our comments about a place, a JSON array with the oldest first. Whoever writes the same marker is not us.
our_comments() { # pull request, place
  query comments.graphql -F "number=$1" | of_place "$2"
}

# Our open issue about a place: a JSON object, or nothing.
our_issue() { # label, place
  query issues.graphql -f "label=$1" | of_place "$2" | jq --compact-output '.[0] // empty'
}

of_place() { # place
  jq --slurp --compact-output --arg place "$1" --arg runs "$RUNS" -L "$HERE" --from-file "$HERE/comments.jq"
}

# A text to be written at GitHub: with our lines in its head, and not longer than allowed.
addressed() { # FILE, place, further hidden lines…
  local file=$1 whole=$SCRATCH/whole
  shift
  {
    hidden "$file"
    printf '<!-- provisioner:%s -->\n' "place $1" "${@:2}" "$RUN_MARK"
    shown "$file"
    printf '\n<sub>[This run](%s) has the details.</sub>\n' "$RUN_URL"
  } >"$whole"
  fitted "$whole" "$COMMENT_BYTES"
}

# Write a text; prints the address of what was written.
send() { # method, path, FILE, further fields as JSON
  local body=$SCRATCH/body
  jq --raw-input --slurp --argjson fields "${4:-null}" '$fields + {body: .}' "$3" >"$body" || return 1
  ask --method "$1" "repos/$GITHUB_REPOSITORY/$2" --input "$body" --jq .html_url
}

# A comment that is made once. Where the answer was lost, it is looked for before it is made again.
comment() { # pull request or issue, FILE that is addressed, place
  local try code url
  for try in 1 2; do
    code=0
    send POST "issues/$1/comments" "$2" || code=$?
    ((code != 0)) || return 0
    if grep -qE 'HTTP 4[0-9][0-9]' "$SCRATCH/refused"; then
      return 1
    fi
    cp "$SCRATCH/refused" "$SCRATCH/lost"
    url=$(written "$1" "$3") || return 1
    if [[ -n "$url" ]]; then
      echo "$url"
      return
    fi
    mv "$SCRATCH/lost" "$SCRATCH/refused"
    sleep "$RETRY_SECONDS"
  done
  return 1
}

# The address of what this run has written about a place already.
written() { # pull request, place
  our_comments "$1" "$2" | jq --raw-output --arg mark "${RUN_MARK#run }" 'map(select(.head.run == $mark))[-1].url // empty'
}

# The merged pull request that made a commit of its base branch, as JSON; nothing for a commit that was pushed directly.
merged_pull_request() { # commit
  api "repos/$GITHUB_REPOSITORY/commits/$1/pulls" |
    jq --compact-output --arg commit "$1" \
      'map(select(.merged_at and .merge_commit_sha == $commit))[0] // empty | {number, head: {sha: .head.sha}, merged_at}'
}

# The reviews of a pull request, as a JSON array.
reviews() { # pull request
  api --paginate "repos/$GITHUB_REPOSITORY/pulls/$1/reviews?per_page=100" | jq --slurp --compact-output 'flatten(1)'
}

# How a commit stands to another one: `ahead`, `behind`, `identical`, `diverged`; `unknown` where one of them is gone.
compared() { # base, commit
  local answer code=0
  answer=$(ask "repos/$GITHUB_REPOSITORY/compare/$1...$2?per_page=1") || code=$?
  case $code in
  0) jq --raw-output .status <<<"$answer" ;;
  4) echo unknown ;;
  *) not_answered >&3 && return 1 ;;
  esac
}

# A file as a branch has it; returns 4 where there is none.
file_at() { # branch, path from the root of the repository
  local address
  address=$(jq --raw-output --null-input --arg ref "$1" --arg path "$2" \
    '($path | split("/") | map(@uri) | join("/")) + "?ref=" + ($ref | @uri)')
  ask --header 'Accept: application/vnd.github.raw+json' "repos/$GITHUB_REPOSITORY/contents/$address"
}
