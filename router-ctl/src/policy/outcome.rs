//! What a policy says about a route.

use std::fmt;
use std::sync::Arc;

use crate::bgp::types::NextHop;
use crate::policy::problem::ListKind;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Permit(Edits),
    Deny(Denial),
}

/// What a permitted route becomes. `None` and `Kept`: as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Canonical attributes that differ from those of the subject.
    pub raw: Option<Box<[u8]>>,
    pub next_hop: NextHopEdit,
    pub weight: Option<u32>,
    pub tag: Option<u32>,
    /// Administrative distance.
    pub distance: Option<u8>,
    /// The policy set MED, perhaps to what it was: it is sent to eBGP neighbours.
    pub med_set: bool,
}

impl Edits {
    /// Nothing was set at all.
    pub fn is_unchanged(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NextHopEdit {
    #[default]
    Kept,
    /// `ip-next-hop unchanged`: the learnt next hop is sent, also where we would put ourselves.
    Unchanged,
    /// Not replaced by `nexthop-self` or the rules of eBGP.
    Set(NextHop),
}

impl NextHopEdit {
    /// The policy decided about the next hop; export does not.
    pub fn is_explicit(self) -> bool {
        self != Self::Kept
    }
}

/// Which rule refused a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Denial {
    pub list: ListKind,
    pub name: Arc<str>,
    /// `None`: the end was reached and no rule matched.
    pub rule: Option<u32>,
}

impl Denial {
    /// `route-map IMPORT rule 20`, `prefix-list X: no rule matches`.
    pub fn words(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.list, self.name)?;
        match self.rule {
            Some(rule) => write!(f, " rule {rule}"),
            None => f.write_str(": no rule matches"),
        }
    }
}
