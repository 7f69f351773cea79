//! A terminal, to see what people see.

use std::{
    ffi::OsStr,
    fs::File,
    io::{ErrorKind, Read},
    os::unix::ffi::OsStrExt,
    process::Stdio,
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Both ends of it.
pub(crate) struct Terminal {
    screen: File,
    line: File,
}

impl Terminal {
    pub(crate) fn open() -> std::io::Result<Self> {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&screen)?;
        unlockpt(&screen)?;
        let name = ptsname(&screen, Vec::new())?;
        let line =
            File::options().read(true).write(true).open(OsStr::from_bytes(name.as_bytes()))?;
        Ok(Self { screen: screen.into(), line })
    }

    /// Where a process reads from, or writes to.
    pub(crate) fn stdio(&self) -> std::io::Result<Stdio> {
        Ok(self.line.try_clone()?.into())
    }

    /// All that was shown, once nobody is there any more to show anything.
    pub(crate) fn shown(self) -> std::io::Result<String> {
        let Self { mut screen, line } = self;
        drop(line);
        let (mut shown, mut some) = (Vec::new(), [0; 4_096]);
        loop {
            match screen.read(&mut some) {
                Ok(0) => break,
                Ok(read) => shown.extend(some.iter().take(read)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // As Linux ends it: the other end is closed.
                Err(_) => break,
            }
        }
        Ok(String::from_utf8_lossy(&shown).into_owned())
    }
}
