//! `protocols bfd`

use super::section::Section;
use crate::config::model::{Bfd, BfdProfile};

pub(super) fn bind(at: &mut Section<'_>, bfd: &mut Bfd) {
    at.named("profile", &mut bfd.profile, profile);
}

fn profile(at: &mut Section<'_>, profile: &mut BfdProfile) {
    let default = BfdProfile::default();
    at.group("interval", |at| {
        let transmit = default.interval_transmit;
        at.value_or("transmit", &mut profile.interval_transmit, transmit);
        let receive = default.interval_receive;
        at.value_or("receive", &mut profile.interval_receive, receive);
        at.value_or("multiplier", &mut profile.multiplier, default.multiplier);
    });
    at.flag("passive", &mut profile.passive);
    at.value_or("minimum-ttl", &mut profile.minimum_ttl, default.minimum_ttl);
}
