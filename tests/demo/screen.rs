//! The terminal: how wide it is, what it can show, and a picture redrawn in place.

use std::env;
use std::io::{self, Write as _};

use terminal_size::{Height, Width, terminal_size};

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) colour: bool,
    /// Letters and marks beyond ASCII.
    pub(crate) unicode: bool,
}

impl Style {
    const WIDTH: usize = 80;
    const HEIGHT: usize = 24;

    fn of_stdout() -> Self {
        let (width, height) = terminal_size().map_or(
            (Self::WIDTH, Self::HEIGHT),
            |(Width(width), Height(height))| (width.into(), height.into()),
        );
        Self {
            width,
            height,
            colour: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            unicode: speaks_unicode(),
        }
    }
}

/// The locale's character set, by the first variable that is set.
fn speaks_unicode() -> bool {
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Draws over its last picture. The cursor is hidden until it is dropped.
pub(crate) struct Screen {
    lines: usize,
}

impl Screen {
    pub(crate) fn open() -> Self {
        write("\x1b[?25l");
        Self { lines: 0 }
    }

    /// Asked each time: the window may have been resized.
    pub(crate) fn style(&self) -> Style {
        Style::of_stdout()
    }

    pub(crate) fn draw(&mut self, lines: &[String]) {
        let mut text = String::new();
        if self.lines > 0 {
            text += &format!("\x1b[{}A", self.lines);
        }
        text.push('\r');
        for line in lines {
            text += line;
            text += "\x1b[K\n";
        }
        text += "\x1b[J";
        write(&text);
        self.lines = lines.len();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        write("\x1b[?25h");
    }
}

fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    // A terminal that is gone is no reason to stop.
    let _unseen = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}
