# shellcheck shell=bash
# Git in the checkout, for a lock on a branch or a lock that is committed, and for a pull request of our own.

BOT='github-actions[bot]'
BOT_EMAIL='41898282+github-actions[bot]@users.noreply.github.com'
BASE=refs/provisioner/base   # the branch as it is now
BEGAN=refs/provisioner/began # the branch as it was when the apply began

fetch_base() {
  git fetch --quiet --no-tags origin "+refs/heads/$GITHUB_REF_NAME:$BASE"
}

# The committed locks as the branch has them now. Another merge may have been applied since the commit of this run, and its
# lock lies on top of that.
latest_locks() {
  local lock
  [[ -n "$IN_LOCK" ]] || return 0
  fetch_base
  git update-ref "$BEGAN" "$BASE"
  git diff -z --relative --name-only --diff-filter=AM HEAD "$BASE" -- ":(glob)$IN_LOCK" | while read -r -d '' lock; do
    mkdir -p "$(dirname "$lock")"
    git show "$BASE:./$lock" >"$lock"
  done
}

# Git pushes and fetches with the token of the action, unless the checkout has kept credentials of its own. The token is
# in the environment of this run alone, behind what that may tell git already, and not in the checkout.
give_git_the_token() {
  local secret last=${GIT_CONFIG_COUNT:-0}
  if [[ -z "${GH_TOKEN:-}" ]] || git config --get-regexp '^http\..*\.extraheader$' >/dev/null; then
    return
  fi
  secret=$(printf 'x-access-token:%s' "$GH_TOKEN" | base64 | tr -d '\n')
  echo "::add-mask::$secret"
  export GIT_CONFIG_COUNT=$((last + 1))
  export "GIT_CONFIG_KEY_$last=http.$GITHUB_SERVER_URL/.extraheader"
  export "GIT_CONFIG_VALUE_$last=AUTHORIZATION: basic $secret"
}
