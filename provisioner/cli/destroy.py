"""`destroy`: delete everything that the lock names."""

from __future__ import annotations

from provisioner.cli import options
from provisioner.cli.console import Console, addresses, command


@command
def destroy(
    console: Console,
    auto_approve: options.AutoApprove = False,
    parallelism: options.Parallelism = 10,
    lock_timeout: options.LockTimeout = 0,
    target: options.Targets = None,
    exclude: options.Excludes = None,
    on_drift: options.OnDriftOption = None,
    prune_orphans: options.PruneOrphans = False,
    force: options.Force = False,
    format: options.FormatOption = options.PlanFormat.text,
) -> int:
    """Delete everything that the lock names."""
    from provisioner.cli.applying import ApplyRequest, GivenApproval, decide_and_apply
    from provisioner.engine import ApplyOptions
    from provisioner.plan import PlanOptions

    wanted = PlanOptions(
        targets=addresses(target),
        excludes=addresses(exclude),
        destroy=True,
        on_drift=on_drift,
        prune_orphans=prune_orphans,
        force=force,
    )
    how = ApplyOptions(parallelism=parallelism, lock_timeout=lock_timeout)
    return decide_and_apply(console, wanted, ApplyRequest(how, GivenApproval(auto_approve), format))


COMMANDS = {"destroy": destroy}
