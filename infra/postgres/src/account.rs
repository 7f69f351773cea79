//! Whom the server runs as: PostgreSQL refuses root.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// The uid and gid of `nobody`, which every Linux has and nobody has to make.
const NOBODY: u32 = 65_534;

/// The account that owns the cluster and runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// The caller's own.
    Own,
    /// `nobody`, because the caller is root.
    Nobody,
}

impl Account {
    pub(crate) fn for_server() -> Self {
        if rustix::process::geteuid().is_root() { Self::Nobody } else { Self::Own }
    }

    /// A command that runs as this account, in `/`: the account may not be allowed to see the
    /// caller's working directory, and PostgreSQL's programs stop at that.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if self == Self::Nobody {
            // As root this also drops every supplementary group.
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Makes `path` this account's and nobody else's.
    pub(crate) fn take(self, path: &Path, mode: u32) -> Result<()> {
        if self == Self::Nobody {
            chown(path, Some(NOBODY), Some(NOBODY))
                .with_context(|| format!("giving {} to uid {NOBODY}", path.display()))?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .with_context(|| format!("setting the mode of {}", path.display()))
    }

    /// Whether this account can get to `dir`, so through every folder above it.
    pub(crate) fn reaches(self, dir: &Path) -> bool {
        self == Self::Own
            || dir
                .ancestors()
                .skip(1)
                .all(|above| fs::metadata(above).is_ok_and(|meta| nobody_may_enter(&meta)))
    }

    /// Whether `meta` is of a folder that this account owns.
    pub(crate) fn owns(self, meta: &Metadata) -> bool {
        let uid = match self {
            Self::Own => rustix::process::geteuid().as_raw(),
            Self::Nobody => NOBODY,
        };
        meta.is_dir() && meta.uid() == uid
    }
}

fn nobody_may_enter(meta: &Metadata) -> bool {
    let execute = if meta.uid() == NOBODY {
        0o100
    } else if meta.gid() == NOBODY {
        0o010
    } else {
        0o001
    };
    meta.mode() & execute != 0
}
