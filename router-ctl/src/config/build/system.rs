//! `system`

use super::section::Section;
use crate::config::model::System;

pub(super) fn bind(at: &mut Section<'_>, system: &mut System) {
    at.value("host-name", &mut system.host_name);
    for (name, no_default) in [
        ("ip", &mut system.ip_no_resolve_via_default),
        ("ipv6", &mut system.ipv6_no_resolve_via_default),
    ] {
        at.group(name, |at| {
            at.group("nht", |at| at.flag("no-resolve-via-default", no_default));
        });
    }
}
