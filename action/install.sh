#!/usr/bin/env bash
# Install provisioner beside the workspace, never from it: the release that the action is of, or the one that is named.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RELEASE=$(dirname "$HERE")
source "$HERE/say.sh"

check_package() {
  if [[ "$IN_PACKAGE" == [-./~]* ]]; then
    annotate error "Wrong input" "\`package\` is \`$IN_PACKAGE\`; it must be a requirement, such as \`assistants-provisioner==0.2.0\`." >&2
    return 1
  fi
  if [[ -z "$IN_PACKAGE" && "$HERE/" == "$GITHUB_WORKSPACE"/* ]]; then
    annotate error "Wrong input" "The action lies in the workspace, from which nothing is installed; name a release as \`package\`." >&2
    return 1
  fi
}

pip_install() {
  provisioner-venv/bin/python -I -m pip install --quiet --disable-pip-version-check "$@"
}

# The release, with the versions that it was tested with: whatever an index gives out is checked against their hashes.
install_release() {
  pip_install --require-hashes --requirement "$RELEASE/requirements/run.txt"
  pip_install --no-deps --no-build-isolation -- "$RELEASE"
}

install_package() {
  annotate notice "Not pinned" "\`package\` installs \`$IN_PACKAGE\` with the newest dependencies that it allows, and without checking hashes; the action's own release comes with tested ones."
  pip_install -- "$IN_PACKAGE"
}

# In a folder of its own and isolated, Python finds no module and no setting of the workspace. What builds a package is a
# process of pip's that is not isolated.
cd "$RUNNER_TEMP"
unset PYTHONPATH PYTHONHOME
check_package
python3 -I -m venv provisioner-venv
if [[ -z "$IN_PACKAGE" ]]; then install_release; else install_package; fi
# The steps that follow find one command more, and the same `python` and `pip` as before.
mkdir -p provisioner-bin
ln -sf ../provisioner-venv/bin/provisioner provisioner-bin/provisioner
echo "$RUNNER_TEMP/provisioner-bin" >>"$GITHUB_PATH"
provisioner-bin/provisioner version
