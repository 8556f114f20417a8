//! Every fate of a packet, named once. A row here is a counter row, a test's name and the operator's word.

/// What the program tells the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Redirect,
    Pass,
    Drop,
}

macro_rules! verdicts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $cause:literal, $action:ident;)*) => {
        /// The fate of a packet: a verdict and, for some, a cause. `Unset` is no fate: it marks a next hop
        /// that names a port, and a packet that is counted under it is a bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Verdict { $($(#[$doc])* $variant,)* }

        impl Verdict {
            /// Every row, in row order.
            pub const ALL: &'static [Verdict] = &[$(Verdict::$variant,)*];
            /// Number of rows.
            #[expect(clippy::cast_possible_truncation, reason = "a few dozen")]
            pub const COUNT: u32 = Self::ALL.len() as u32;

            /// The operator's word, shared by all causes of a verdict.
            pub const fn name(self) -> &'static str {
                match self { $(Verdict::$variant => $name,)* }
            }

            /// The engineer's word; empty when the verdict says it all.
            pub const fn cause(self) -> &'static str {
                match self { $(Verdict::$variant => $cause,)* }
            }

            pub const fn action(self) -> Action {
                match self { $(Verdict::$variant => Action::$action,)* }
            }
        }
    };
}

verdicts! {
    Unset = "Unset", "", Pass;
    Forwarded = "Forwarded", "", Redirect;
    PassPortOff = "PassPortOff", "", Pass;
    PassNotIpArp = "PassNotIp", "arp", Pass;
    PassNotIpControl = "PassNotIp", "control", Pass;
    PassNotIpTags = "PassNotIp", "tags", Pass;
    PassNotIpOther = "PassNotIp", "other", Pass;
    PassL2GroupArp = "PassL2Group", "arp", Pass;
    PassL2GroupNd = "PassL2Group", "nd", Pass;
    PassL2GroupControl = "PassL2Group", "control", Pass;
    PassL2GroupData = "PassL2Group", "data", Pass;
    PassLocal = "PassLocal", "local", Pass;
    PassLocalBroadcast = "PassLocal", "broadcast", Pass;
    PassLocalAnycast = "PassLocal", "anycast", Pass;
    PassLocalLinkLocal = "PassLocal", "link-local", Pass;
    PassMulticastControl = "PassMulticast", "control", Pass;
    PassMulticastData = "PassMulticast", "data", Pass;
    PassIpOptions = "PassIpOptions", "", Pass;
    PassHopByHopRouterAlert = "PassHopByHop", "router-alert", Pass;
    PassHopByHopJumbo = "PassHopByHop", "jumbo", Pass;
    PassTtlExpired = "PassTtlExpired", "", Pass;
    PassTooBigDf = "PassTooBig", "df", Pass;
    PassTooBigFragment = "PassTooBig", "fragment", Pass;
    PassTooBigV6 = "PassTooBig", "v6", Pass;
    PassNoRoute = "PassNoRoute", "", Pass;
    PassUnreachable = "PassUnreachable", "", Pass;
    PassScope = "PassScope", "", Pass;
    PassNoNeighbour = "PassNoNeighbour", "", Pass;
    PassNoPortNotAttached = "PassNoPort", "not-attached", Pass;
    PassNoPortDown = "PassNoPort", "down", Pass;
    DropMalformedRunt = "DropMalformed", "runt", Drop;
    DropMalformedL2Source = "DropMalformed", "l2-source", Drop;
    DropMalformedShort = "DropMalformed", "short", Drop;
    DropMalformedVersion = "DropMalformed", "version", Drop;
    DropMalformedIhl = "DropMalformed", "ihl", Drop;
    DropMalformedLength = "DropMalformed", "length", Drop;
    DropMalformedChecksum = "DropMalformed", "checksum", Drop;
    DropOtherHost = "DropOtherHost", "", Drop;
    DropMartianSource = "DropMartian", "source", Drop;
    DropMartianDestination = "DropMartian", "destination", Drop;
    DropBlackhole = "DropBlackhole", "", Drop;
    DropSourceRoute = "DropPolicy", "source-route", Drop;
    DropDirectedBroadcast = "DropPolicy", "directed-broadcast", Drop;
}

impl Verdict {
    /// The verdict's row in the counters, below [`Verdict::COUNT`].
    #[inline(always)]
    pub const fn row(self) -> u32 {
        self as u32
    }

    /// The verdict that a row stands for. Without a table, which the program would have to look up.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below COUNT, which is far below 256"
    )]
    pub const fn from_row(row: u32) -> Option<Self> {
        if row < Self::COUNT {
            // SAFETY: the enum is `repr(u8)` without explicit values, so 0 .. COUNT are its variants.
            Some(unsafe { core::mem::transmute::<u8, Self>(row as u8) })
        } else {
            None
        }
    }
}

#[cfg(not(target_arch = "bpf"))]
impl core::fmt::Display for Verdict {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.cause() {
            "" => f.write_str(self.name()),
            cause => write!(f, "{}: {cause}", self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_dense_and_map_back() {
        for (row, &verdict) in (0..).zip(Verdict::ALL) {
            assert_eq!(verdict.row(), row);
            assert_eq!(Verdict::from_row(row), Some(verdict));
        }
        assert_eq!(Verdict::from_row(Verdict::COUNT), None);
    }

    #[test]
    fn a_verdict_prints_its_cause() {
        assert_eq!(
            Verdict::DropMalformedChecksum.to_string(),
            "DropMalformed: checksum"
        );
        assert_eq!(Verdict::Forwarded.to_string(), "Forwarded");
    }

    #[test]
    fn the_action_follows_the_name() {
        for verdict in Verdict::ALL {
            let expected = match verdict.name() {
                "Forwarded" => Action::Redirect,
                name if name.starts_with("Drop") => Action::Drop,
                _ => Action::Pass,
            };
            assert_eq!(verdict.action(), expected, "{verdict}");
        }
    }
}
