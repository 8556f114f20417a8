//! What this machine is: the facts that decide how things are installed on it.

use std::fs;
use std::path::Path;

use crate::run::{capture, command};

pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1))
        == Some("0")
}

/// `(6, 18)` of `6.18.3-amd64`.
pub(crate) fn kernel() -> Option<(u32, u32)> {
    parse_kernel(&fs::read_to_string("/proc/sys/kernel/osrelease").ok()?)
}

fn parse_kernel(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.trim().split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether services are started by systemd here.
pub(crate) fn runs_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Whether a file system of this type is mounted at `path`.
pub(crate) fn mounted(kind: &str, path: &str) -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next() == Some(path) && fields.next() == Some(kind)
    })
}

/// Whether `user` is in `group`; `None` when there is no such group.
pub(crate) fn in_group(user: &str, group: &str) -> Option<bool> {
    members(&fs::read_to_string("/etc/group").ok()?, group).map(|names| names.contains(&user))
}

fn members<'a>(groups: &'a str, group: &str) -> Option<Vec<&'a str>> {
    let fields = groups
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&group))?;
    Some(fields.get(3)?.split(',').collect())
}

/// Debian's own packages carry everything needed from release 12 on; whether a later one still has them is
/// asked of apt.
pub(crate) fn has_debian_recipe() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim_matches('"').to_owned())
    };
    field("ID=").as_deref() == Some("debian")
        && (field("VERSION_ID=").as_deref() == Some("12") || apt_offers("rustc-web"))
}

fn apt_offers(package: &str) -> bool {
    capture(command("apt-cache").args(["policy", package])).is_ok_and(|policy| {
        policy.lines().any(|line| {
            line.trim()
                .strip_prefix("Candidate:")
                .is_some_and(|version| version.trim() != "(none)")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_release_is_its_first_two_numbers() {
        assert_eq!(parse_kernel("6.18.3-amd64\n"), Some((6, 18)));
        assert_eq!(parse_kernel("6.1.0+debian"), Some((6, 1)));
        assert_eq!(parse_kernel("?"), None);
    }

    #[test]
    fn the_members_of_a_group_are_its_fourth_field() {
        let groups = "root:x:0:\nfrrvty:x:107:frr,root\n";
        assert_eq!(members(groups, "frrvty"), Some(vec!["frr", "root"]));
        assert_eq!(members(groups, "bird"), None);
    }
}
