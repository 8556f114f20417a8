//! Where output goes and how it may look: the terminal (through `$PAGER` when that is set) or a pipe.

use std::io::{self, IsTerminal, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

/// How text may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// Characters in a line.
    pub(super) width: usize,
    colour: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Paint {
    #[default]
    Plain,
    Bold,
    Good,
    Bad,
    Warn,
}

impl Style {
    #[cfg(test)]
    pub(super) fn plain(width: usize) -> Self {
        Self {
            width,
            colour: false,
        }
    }

    /// `COLUMNS` wins over the terminal's own width; a pipe has 80. No colour off a terminal, or with `NO_COLOR`.
    fn of(terminal: bool) -> Self {
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok());
        let own = || {
            let (width, _) = terminal_size::terminal_size()?;
            Some(usize::from(width.0))
        };
        Self {
            width: columns.or_else(|| own().filter(|_| terminal)).unwrap_or(80),
            colour: terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    pub(super) fn of_stderr() -> Self {
        Self::of(io::stderr().is_terminal())
    }

    pub(super) fn paint(self, text: &str, paint: Paint) -> String {
        let code = match paint {
            Paint::Plain => None,
            Paint::Bold => Some("1"),
            Paint::Good => Some("32"),
            Paint::Bad => Some("31"),
            Paint::Warn => Some("33"),
        };
        match code.filter(|_| self.colour && !text.is_empty()) {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }
}

/// Standard output, or a pager in front of it that starts with the first octet.
pub(super) struct Output {
    sink: Sink,
    pub(super) style: Style,
}

enum Sink {
    /// A pager is wanted, and nothing was written yet.
    Waiting(String),
    Direct(io::BufWriter<io::Stdout>),
    Pager(Child, io::BufWriter<ChildStdin>),
}

impl Output {
    pub(super) fn direct() -> Self {
        Self {
            sink: Sink::direct(),
            style: Style::of(io::stdout().is_terminal()),
        }
    }

    /// Through `$PAGER`, when that is set and a person is looking.
    pub(super) fn paged() -> Self {
        let pager = std::env::var("PAGER").ok();
        match pager.filter(|pager| !pager.is_empty() && io::stdout().is_terminal()) {
            Some(pager) => Self {
                sink: Sink::Waiting(pager),
                ..Self::direct()
            },
            None => Self::direct(),
        }
    }

    /// Writes what is left and waits until the pager has been closed.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.sink {
            Sink::Waiting(_) => Ok(()),
            Sink::Direct(mut stdout) => stdout.flush(),
            Sink::Pager(mut child, mut input) => {
                let written = input.flush();
                drop(input);
                child.wait()?;
                written
            }
        }
    }
}

impl Sink {
    fn direct() -> Self {
        Self::Direct(io::BufWriter::new(io::stdout()))
    }

    /// A pager that does not start is no reason to show nothing.
    fn pager(command: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).stdin(Stdio::piped());
        let Ok(mut child) = shell.spawn() else {
            return Self::direct();
        };
        match child.stdin.take() {
            Some(input) => Self::Pager(child, io::BufWriter::new(input)),
            None => Self::direct(),
        }
    }

    fn start(&mut self) {
        if let Self::Waiting(command) = self {
            *self = Self::pager(command);
        }
    }
}

impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.sink.start();
        match &mut self.sink {
            Sink::Waiting(_) => Ok(0),
            Sink::Direct(stdout) => stdout.write(buffer),
            Sink::Pager(_, input) => input.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Waiting(_) => Ok(()),
            Sink::Direct(stdout) => stdout.flush(),
            Sink::Pager(_, input) => input.flush(),
        }
    }
}
