//! setsockopt(2) for options that no crate of ours has a type for.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// An option of a socket level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketOption {
    pub(super) level: libc::c_int,
    pub(super) name: libc::c_int,
}

impl SocketOption {
    /// `value` is laid out as the kernel reads it.
    ///
    /// # Errors
    /// Those of setsockopt(2).
    pub(super) fn set(self, socket: &impl AsFd, value: &[u8]) -> io::Result<()> {
        let size = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
        // SAFETY: the descriptor is open while it is borrowed, and the kernel reads the `size` octets of `value`.
        let outcome = unsafe {
            libc::setsockopt(
                socket.as_fd().as_raw_fd(),
                self.level,
                self.name,
                value.as_ptr().cast(),
                size,
            )
        };
        if outcome == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}
