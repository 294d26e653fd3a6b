# shellcheck shell=bash
# What a run knows of its repository and pull request, and what it writes there: `gh api`, and nothing else.

COMMENT_BYTES=65536 # GitHub counts characters; bytes are never fewer

# What the run is about: one workspace and environment of the repository. It stands in the head of everything written.
place() { # plan|apply|drift
  echo "$1/${IN_DIRECTORY//[<>]/_}/${IN_ENVIRONMENT//[<>]/_}"
}

# What has started the run: the number and head of a pull request, and whether it comes from OUTSIDE. Somebody without the
# right to push decides then what is in the workspace; there are no secrets, and the token can only read.
read_event() {
  local facts
  facts=$(jq --raw-output '.pull_request as $pull | ($pull.number // ""), ($pull.head.sha // ""),
    ($pull and ($pull.head.repo.full_name != .repository.full_name or env.GITHUB_ACTOR == "dependabot[bot]") | not | not)
    ' "$GITHUB_EVENT_PATH")
  mapfile -t facts <<<"$facts"
  PULL=${facts[0]} PULL_HEAD=${facts[1]} OUTSIDE=${facts[2]}
}

query() { # FILE.graphql, further fields…
  local file=$1 owner=${GITHUB_REPOSITORY%%/*} name=${GITHUB_REPOSITORY#*/}
  shift
  gh api graphql --paginate -F "query=@$HERE/$file" -f "owner=$owner" -f "name=$name" "$@"
}

# Our comment about a place: a JSON object, or nothing. Whoever writes the same marker is not us.
our_comment() { # pull request, place
  query comments.graphql -F "number=$1" | first_of_place "$2"
}

our_issue() { # label, place
  query issues.graphql -f "label=$1" | first_of_place "$2"
}

first_of_place() { # place
  jq --slurp --compact-output --arg place "$1" --from-file "$HERE/comments.jq"
}

# A text to be written at GitHub: with our lines in its head, and not longer than allowed.
addressed() { # FILE, place, further hidden lines…
  local file=$1 whole=$FOLDER/.whole
  shift
  {
    hidden "$file"
    printf '<!-- provisioner:%s -->\n' "place $1" "${@:2}"
    shown "$file"
    printf '\n<sub>[This run](%s) has the details.</sub>\n' "$RUN_URL"
  } >"$whole"
  fitted "$whole" "$COMMENT_BYTES"
  rm "$whole"
}

# Prints the address of what was written.
send() { # method, path, further fields as JSON; the body comes on stdin
  jq --raw-input --slurp --argjson fields "${3:-null}" '$fields + {body: .}' |
    gh api --method "$1" "repos/$GITHUB_REPOSITORY/$2" --input - --jq .html_url
}

# One comment for a place, written anew or over the last one.
post_sticky() { # pull request, FILE, place, further hidden lines…
  local number=$1 comment
  shift
  comment=$(our_comment "$number" "$2")
  if [[ "$comment" =~ ^\{\"id\":([0-9]+) ]]; then
    addressed "$@" | send PATCH "issues/comments/${BASH_REMATCH[1]}"
  else
    addressed "$@" | send POST "issues/$number/comments"
  fi
}

# A further comment: what happened stays told.
post() { # pull request, FILE, place, further hidden lines…
  local number=$1
  shift
  addressed "$@" | send POST "issues/$number/comments"
}

# The merged pull request that made a commit of its base branch, as JSON; nothing for a commit that was pushed directly.
merged_pull_request() { # commit
  gh api "repos/$GITHUB_REPOSITORY/commits/$1/pulls" |
    jq --compact-output --arg commit "$1" \
      'map(select(.merged_at and .merge_commit_sha == $commit))[0] // empty | {number, head: {sha: .head.sha}, merged_at}'
}
