//! The verdict where no policy is configured: an eBGP neighbour without one neither gives nor gets routes
//! (RFC 8212).

/// Whether routes pass in one direction of one neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefaultPolicy {
    Permit,
    Deny,
}

/// Inside one AS, or between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Session {
    Internal,
    External,
}

/// `protocols bgp parameters ebgp-requires-policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EbgpRequiresPolicy {
    Yes,
    No,
}

/// The verdict on every route of a neighbour and direction without a configured policy (RFC 8212 §2). It is the
/// same for import and for export.
pub fn without_policy(session: Session, required: EbgpRequiresPolicy) -> DefaultPolicy {
    match (session, required) {
        (Session::External, EbgpRequiresPolicy::Yes) => DefaultPolicy::Deny,
        (Session::Internal, _) | (Session::External, EbgpRequiresPolicy::No) => {
            DefaultPolicy::Permit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ebgp_is_denied_by_default() {
        use {DefaultPolicy::*, EbgpRequiresPolicy::*, Session::*};
        for (session, required, verdict) in [
            (External, Yes, Deny),
            (External, No, Permit),
            (Internal, Yes, Permit),
            (Internal, No, Permit),
        ] {
            assert_eq!(without_policy(session, required), verdict);
        }
    }
}
