//! `reset`: ends or renews sessions, through the daemon's API.

use std::io::Write;

use serde_json::json;

use crate::api::view::ResetDone;
use crate::cli::args::{Reset, ResetBgp};
use crate::cli::client::{self, Client, segment};
use crate::cli::failure::Failure;

/// What the words after the neighbour ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Manner<'a> {
    soft: Option<&'a str>,
    message: Option<&'a str>,
}

impl<'a> Manner<'a> {
    fn parse(words: &'a [String]) -> Result<Self, Failure> {
        let mut manner = Self::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "soft" if manner.soft.is_none() => match words.next() {
                    Some(direction @ ("in" | "out")) => manner.soft = Some(direction),
                    _ => return Err(refused("soft: say in or out")),
                },
                "message" if manner.message.is_none() => match words.next() {
                    Some(text) => manner.message = Some(text),
                    None => return Err(refused("message: the text is missing")),
                },
                _ => {
                    return Err(refused(&format!(
                        "{word}: not understood; soft in, soft out or message \"TEXT\" can stand here"
                    )));
                }
            }
        }
        Ok(manner)
    }
}

fn refused(message: &str) -> Failure {
    Failure::Refused(message.to_owned())
}

pub(super) fn reset(client: &Client, reset: &Reset, out: &mut dyn Write) -> Result<(), Failure> {
    let Reset::Bgp(ResetBgp {
        neighbor,
        manner,
        print,
    }) = reset;
    let manner = Manner::parse(manner)?;
    let mut body = serde_json::Map::new();
    if let Some(soft) = manner.soft {
        body.insert("soft".to_owned(), json!(soft));
    }
    if let Some(message) = manner.message {
        body.insert("message".to_owned(), json!(message));
    }
    let path = format!("/reset/bgp/{}", segment(neighbor));
    let bytes = client.post(&path, &body.into())?.bytes()?;
    if print.json {
        out.write_all(&bytes)?;
        return Ok(());
    }
    let done: ResetDone = client::parse(&bytes)?;
    if done.reset.is_empty() {
        writeln!(out, "{neighbor}: no neighbors, so nothing was done")?;
    }
    for one in &done.reset {
        let what = match one.action.as_str() {
            "soft-in" => "its routes are looked at again",
            "soft-out" => "our routes are sent again",
            _ => "the session begins anew",
        };
        let description = one.description.as_ref();
        let description = description.map_or_else(String::new, |text| format!(" ({text})"));
        writeln!(out, "{}{description}: {what}", one.neighbor)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[&str]) -> Option<(Option<String>, Option<String>)> {
        let words: Vec<String> = line.iter().map(|&word| word.to_owned()).collect();
        let manner = Manner::parse(&words).ok()?;
        let owned = |word: Option<&str>| word.map(str::to_owned);
        Some((owned(manner.soft), owned(manner.message)))
    }

    #[test]
    fn words_say_how_to_reset() {
        let some = |word: &str| Some(word.to_owned());
        assert_eq!(parse(&[]), Some((None, None)));
        assert_eq!(parse(&["soft", "in"]), Some((some("in"), None)));
        assert_eq!(parse(&["soft", "out"]), Some((some("out"), None)));
        let text = "new cable at 10:00";
        assert_eq!(parse(&["message", text]), Some((None, some(text))));
        for wrong in [
            &["soft"][..],
            &["soft", "both"],
            &["message"],
            &["hard"],
            &["soft", "in", "soft", "out"],
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
