#!/usr/bin/env bash
# Install provisioner beside the workspace, never from it: the release that the action is of, or the one that is named.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$HERE/say.sh"

source_of() {
  if [[ "$IN_PACKAGE" == [-./~]* ]]; then
    annotate error "Wrong input" "\`package\` is \`$IN_PACKAGE\`; it must be a requirement, such as \`assistants-provisioner==0.2.0\`." >&2
    return 1
  fi
  if [[ -z "$IN_PACKAGE" && "$HERE/" == "$GITHUB_WORKSPACE"/* ]]; then
    annotate error "Wrong input" "The action lies in the workspace, from which nothing is installed; name a release as \`package\`." >&2
    return 1
  fi
  echo "${IN_PACKAGE:-$(dirname "$HERE")}"
}

# In a folder of its own and isolated, Python finds no module and no setting of the workspace.
cd "$RUNNER_TEMP"
package=$(source_of)
python3 -I -m venv provisioner-venv
provisioner-venv/bin/python -I -m pip install --quiet --disable-pip-version-check -- "$package"
echo "$RUNNER_TEMP/provisioner-venv/bin" >>"$GITHUB_PATH"
provisioner-venv/bin/provisioner version
