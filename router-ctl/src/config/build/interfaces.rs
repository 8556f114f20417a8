//! `interfaces`

use super::section::Section;
use crate::config::model::{Ethernet, Interfaces, Xdp};

pub(super) fn bind(at: &mut Section<'_>, interfaces: &mut Interfaces) {
    at.named("ethernet", &mut interfaces.ethernet, ethernet);
}

fn ethernet(at: &mut Section<'_>, port: &mut Ethernet) {
    at.value("description", &mut port.description);
    at.value_or("xdp", &mut port.xdp, Xdp::Off);
    at.group("ip", |at| {
        at.flag("disable-forwarding", &mut port.disable_forwarding);
    });
}
