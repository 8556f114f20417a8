//! How a command ends when it does not succeed: one sentence and an exit code.

use std::io;
use std::process::ExitCode;

use crate::api::view::ErrorView;
use crate::config::problem::Invalid;

/// 0 is done; 4 is kept for conflicts and pending confirmations.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something did not work: 1.
    Failed(String),
    /// What was asked for makes no sense, or a configuration is wrong: 2.
    Refused(String),
    /// Nobody answers on the socket: 3.
    Unreachable(String),
    /// The daemon answered with an error.
    Answered { status: u16, error: ErrorView },
    /// Everything is said already; only the code is left.
    Said(u8),
    /// Whoever read our output has seen enough: not a failure.
    Closed,
}

impl Failure {
    /// The sentence for people, if there is one to say.
    pub(super) fn message(&self) -> Option<&str> {
        match self {
            Self::Failed(message) | Self::Refused(message) | Self::Unreachable(message) => {
                Some(message)
            }
            Self::Answered { error, .. } => Some(&error.message),
            Self::Said(_) | Self::Closed => None,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => 1.into(),
            Self::Refused(_) => 2.into(),
            Self::Unreachable(_) => 3.into(),
            Self::Answered { status, .. } => match status {
                400 | 413 | 422 => 2.into(),
                409 | 423 => 4.into(),
                _ => 1.into(),
            },
            Self::Said(code) => (*code).into(),
            Self::Closed => ExitCode::SUCCESS,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Failed(format!("cannot write: {error}"))
        }
    }
}

/// What the daemon ended with. A refused configuration is printed as it is.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast_ref::<Invalid>() {
            Some(invalid) => {
                eprintln!("{invalid}");
                Self::Said(2)
            }
            None => Self::Failed(format!("{error:#}")),
        }
    }
}
