//! The picture of the demo: who is there, how the traffic is shared, where it goes, what has happened. A pure
//! function from what is known to lines that fit the terminal.

use std::time::Duration;

use router_ctl::api::view::{Accounting, PrefixRow};

use crate::facts::thousands;
use crate::network::{Role, TARGETS, Target};
use crate::router::{Established, Sessions};
use crate::screen::Style;
use crate::stage::{Act, State};
use crate::traffic::{FlowCount, percent};

/// A bar of this share fills its whole width.
const FULL_BAR: f64 = 50.0;
const BAR: usize = 27;
/// Prefixes are shown in what the acts leave free, but at least so many.
const FEWEST_PREFIXES: usize = 3;

/// All that is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    pub(crate) peers: &'static str,
    pub(crate) elapsed: Duration,
    pub(crate) acts: Vec<Act>,
    pub(crate) notes: [Option<&'static str>; TARGETS],
    pub(crate) flows: [FlowCount; TARGETS],
    /// Packets a second.
    pub(crate) rates: [u64; TARGETS],
    pub(crate) reading: Reading,
}

/// What the router said last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// `None` while it does not answer.
    pub(crate) sessions: Option<Sessions>,
    pub(crate) engine: Option<String>,
    pub(crate) prefixes: Vec<Prefix>,
    /// Packets by verdict, most first.
    pub(crate) verdicts: Vec<(String, u64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prefix {
    prefix: String,
    /// Names of the interfaces it leaves by.
    out: Vec<String>,
    packets: u64,
    pps: f64,
    bps: f64,
}

impl Prefix {
    pub(crate) fn of(row: &PrefixRow) -> Self {
        Self {
            prefix: row.prefix.clone(),
            out: row.interfaces.clone(),
            packets: row.packets,
            pps: row.pps.unwrap_or_default(),
            bps: row.bps.unwrap_or_default(),
        }
    }
}

/// Packets of each verdict over all ports.
pub(crate) fn verdicts(accounting: &Accounting) -> Vec<(String, u64)> {
    let mut sums = std::collections::BTreeMap::<&str, u64>::new();
    for row in accounting.ports.iter().flat_map(|port| &port.verdicts) {
        *sums.entry(&row.verdict).or_default() += row.count.packets;
    }
    let mut verdicts: Vec<_> = sums
        .into_iter()
        .map(|(verdict, packets)| (verdict.to_owned(), packets))
        .collect();
    verdicts.sort_by_key(|(_, packets)| std::cmp::Reverse(*packets));
    verdicts
}

/// An act on a line of its own, without a terminal.
pub(crate) fn plain(act: &Act) -> String {
    match act.state {
        State::Failed => format!("FAILED: {}", act.text),
        State::Running | State::Done => act.text.clone(),
    }
}

#[derive(Clone, Copy)]
enum Paint {
    Bold,
    Dim,
    Good,
    Bad,
    Warn,
    Bar,
}

/// As many lines as fit, none longer than the terminal is wide.
pub(crate) fn render(picture: &Picture, style: Style) -> Vec<String> {
    let ink = Ink(style);
    let mut lines = vec![ink.title(picture), String::new()];
    lines.push(
        ink.heading(
            "neighbour   AS  v4 v6  share of the service's flows    flows   share      pps",
        ),
    );
    lines.extend(Target::all().map(|target| ink.target(picture, target)));
    lines.push(String::new());

    // One more line for the cursor.
    let left = style.height.saturating_sub(lines.len() + 4);
    let prefixes = left.saturating_sub(picture.acts.len()).max(FEWEST_PREFIXES);
    let prefixes = prefixes.min(picture.reading.prefixes.len().max(FEWEST_PREFIXES));
    lines.push(
        ink.heading("top prefixes          leaves by                  packets      pps  Mbit/s"),
    );
    lines.extend((0..prefixes).map(|row| ink.prefix(picture.reading.prefixes.get(row))));
    lines.push(ink.verdicts(&picture.reading.verdicts));
    lines.push(String::new());

    let acts = style.height.saturating_sub(lines.len() + 1);
    let from = picture.acts.len().saturating_sub(acts);
    lines.extend(picture.acts[from..].iter().map(|act| ink.act(act)));
    lines.truncate(style.height.saturating_sub(1));
    lines
}

struct Ink(Style);

impl Ink {
    fn title(&self, picture: &Picture) -> String {
        let seconds = picture.elapsed.as_secs();
        let clock = format!("{}:{:02}", seconds / 60, seconds % 60);
        let sessions = picture.reading.sessions.as_ref().map_or_else(
            || "router away".to_owned(),
            |sessions| {
                format!(
                    "{} of {} sessions",
                    sessions.established, sessions.configured
                )
            },
        );
        let engine = picture.reading.engine.as_deref().unwrap_or("-");
        let parts = [
            format!("peers: {}", picture.peers),
            format!("engine: {engine}"),
            sessions,
            clock,
        ];
        let separator = self.either(" · ", " | ");
        let head = "edge router demo";
        let rest = self.cut(&format!("{separator}{}", parts.join(separator)), head.len());
        format!("{}{rest}", self.paint(head, Paint::Bold))
    }

    fn heading(&self, text: &str) -> String {
        self.paint(&self.cut(text, 0), Paint::Dim)
    }

    fn target(&self, picture: &Picture, target: Target) -> String {
        let flows = picture.flows[target.0];
        let up = match &picture.reading.sessions {
            Some(sessions) => sessions.by_target[target.0],
            None => Established::default(),
        };
        let numbers = match target.role() {
            Role::Anycast => format!(
                "{:>7} {:>6.1}%",
                thousands(flows.service),
                percent(flows.service)
            ),
            Role::Upstream => format!("{:>7} {:>7}", "-", "-"),
        };
        format!(
            "{:<9} {:>5}  {}  {}  {} {numbers} {:>8}",
            target.name(),
            target.asn(),
            self.light(up.v4),
            self.light(up.v6),
            self.share(picture.notes[target.0], flows, target.role()),
            thousands(picture.rates[target.0])
        )
    }

    fn light(&self, up: bool) -> String {
        if up {
            self.paint(self.either("●", "+"), Paint::Good)
        } else {
            self.paint(self.either("○", "-"), Paint::Bad)
        }
    }

    /// A bar, or what is the matter, in the width of a bar.
    fn share(&self, note: Option<&str>, flows: FlowCount, role: Role) -> String {
        if let Some(note) = note {
            return self.paint(&format!("{note:<BAR$}"), Paint::Warn);
        }
        if role == Role::Upstream {
            let text = match flows.transit {
                0 => String::new(),
                transit => format!("{} flows in transit", thousands(transit)),
            };
            return self.paint(&format!("{text:<BAR$}"), Paint::Dim);
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a handful of characters"
        )]
        let filled = (percent(flows.service) / FULL_BAR * BAR as f64).round() as usize;
        let filled = filled.min(BAR);
        let bar = self.either("█", "#").repeat(filled);
        format!(
            "{}{}",
            self.paint(&bar, Paint::Bar),
            " ".repeat(BAR - filled)
        )
    }

    fn prefix(&self, prefix: Option<&Prefix>) -> String {
        let Some(prefix) = prefix else {
            return String::new();
        };
        let out = match prefix.out.as_slice() {
            [first, second, _, rest @ ..] => format!("{first}, {second}, {} more", rest.len() + 1),
            few => few.join(", "),
        };
        let line = format!(
            "{:<21} {out:<24} {:>9} {:>8.0} {:>7.2}",
            prefix.prefix,
            thousands(prefix.packets),
            prefix.pps,
            prefix.bps / 1e6
        );
        self.cut(&line, 0)
    }

    fn verdicts(&self, verdicts: &[(String, u64)]) -> String {
        let head = "verdicts ";
        let separator = self.either(" · ", ", ");
        let mut rest = String::new();
        for (verdict, packets) in verdicts {
            let more = format!("{verdict} {}", thousands(*packets));
            let longer = match rest.as_str() {
                "" => more,
                shown => format!("{shown}{separator}{more}"),
            };
            if head.len() + longer.chars().count() > self.0.width {
                break;
            }
            rest = longer;
        }
        format!("{}{rest}", self.paint(head, Paint::Dim))
    }

    fn act(&self, act: &Act) -> String {
        let (mark, paint) = match act.state {
            State::Running => (self.either("▸ ", "> "), Paint::Warn),
            State::Done => (self.either("✓ ", "* "), Paint::Good),
            State::Failed => (self.either("✗ ", "! "), Paint::Bad),
        };
        format!("{}{}", self.paint(mark, paint), self.cut(&act.text, 2))
    }

    fn either(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.0.unicode { unicode } else { ascii }
    }

    /// What fits behind `used` columns. Every character here is one column wide.
    fn cut(&self, text: &str, used: usize) -> String {
        let room = self.0.width.saturating_sub(used);
        if text.chars().count() <= room {
            return text.to_owned();
        }
        let dots = self.either("…", "~");
        let kept: String = text.chars().take(room.saturating_sub(1)).collect();
        kept + dots
    }

    fn paint(&self, text: &str, paint: Paint) -> String {
        if !self.0.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Warn => "33",
            Paint::Bar => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style {
        width: 80,
        height: 24,
        colour: false,
        unicode: true,
    };

    fn busy() -> Picture {
        let act = |number| Act {
            state: State::Done,
            text: format!("act {number}: {}", "long ".repeat(20)),
        };
        Picture {
            peers: "self",
            acts: (0..9).map(act).collect(),
            flows: [FlowCount {
                service: 1_280,
                transit: 512,
            }; TARGETS],
            rates: [123_456; TARGETS],
            reading: Reading {
                verdicts: vec![("PassNoNeighbour".to_owned(), u64::MAX); 6],
                ..Reading::default()
            },
            ..Picture::default()
        }
    }

    #[test]
    fn the_picture_fits_a_small_terminal() {
        for unicode in [true, false] {
            let lines = render(&busy(), Style { unicode, ..PLAIN });
            assert!(lines.len() < PLAIN.height, "{} lines", lines.len());
            for line in &lines {
                assert!(line.chars().count() <= PLAIN.width, "{line}");
            }
        }
    }

    #[test]
    fn the_latest_act_is_always_in_sight() {
        let lines = render(&busy(), PLAIN);
        assert!(lines.last().unwrap().starts_with("✓ act 8"));
    }

    #[test]
    fn nothing_is_coloured_where_colour_is_not_wanted() {
        let text = render(&busy(), PLAIN).join("\n");
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn without_unicode_all_is_ascii() {
        let style = Style {
            unicode: false,
            ..PLAIN
        };
        assert!(render(&busy(), style).join("").is_ascii());
    }
}
