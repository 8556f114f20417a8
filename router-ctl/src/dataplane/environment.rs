//! What must be there before anything is loaded: the right to, a kernel that can, a BPF file system. Each
//! thing that is missing is one sentence that says what to do.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::statfs::statfs;
use nix::sys::utsname::uname;

use super::DataplaneError;

/// The oldest kernel that the program is tested on.
const OLDEST_KERNEL: (u32, u32) = (6, 1);
const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_BPF: u32 = 39;

pub(super) fn setup_error(message: impl Into<String>) -> DataplaneError {
    DataplaneError::Setup {
        message: message.into(),
    }
}

/// Checks everything that is needed to load and attach the program.
pub(super) fn check(bpffs: &Path) -> Result<(), DataplaneError> {
    check_rights()?;
    check_kernel()?;
    check_bpffs(bpffs)
}

/// Capabilities of this thread: root has them all, a service is given them.
pub(super) fn check_rights() -> Result<(), DataplaneError> {
    let status = fs::read_to_string("/proc/thread-self/status")
        .map_err(|error| setup_error(format!("/proc/thread-self/status: {error}")))?;
    rights_of(&status)
}

fn rights_of(status: &str) -> Result<(), DataplaneError> {
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .ok_or_else(|| setup_error("/proc/thread-self/status names no capabilities"))?;
    let has = |capability: u32| effective & (1 << capability) != 0;
    let missing: Vec<&str> = [(CAP_BPF, "CAP_BPF"), (CAP_NET_ADMIN, "CAP_NET_ADMIN")]
        .into_iter()
        .filter(|&(capability, _)| {
            let implied = capability == CAP_BPF && has(CAP_SYS_ADMIN);
            !has(capability) && !implied
        })
        .map(|(_, name)| name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(setup_error(format!(
        "no right to load an XDP program: run as root, or give the service {}",
        missing.join(" and ")
    )))
}

fn check_kernel() -> Result<(), DataplaneError> {
    let names = uname().map_err(|error| setup_error(format!("uname: {error}")))?;
    kernel_of(&names.release().to_string_lossy())
}

fn kernel_of(release: &str) -> Result<(), DataplaneError> {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= OLDEST_KERNEL {
        return Ok(());
    }
    let (major, minor) = OLDEST_KERNEL;
    Err(setup_error(format!(
        "Linux {release} is too old for the XDP program: {major}.{minor} or newer is needed"
    )))
}

/// Whether `bpffs` is, or would be, on a BPF file system.
pub(super) fn check_bpffs(bpffs: &Path) -> Result<(), DataplaneError> {
    let existing = bpffs
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .ok_or_else(|| setup_error(format!("{}: not an absolute path", bpffs.display())))?;
    let file_system = statfs(existing)
        .map_err(|error| setup_error(format!("{}: {error}", existing.display())))?
        .filesystem_type();
    if file_system.0 == libc::BPF_FS_MAGIC {
        return Ok(());
    }
    let usual = Path::new("/sys/fs/bpf");
    Err(setup_error(if bpffs.starts_with(usual) {
        "no BPF file system at /sys/fs/bpf: mount -t bpf bpf /sys/fs/bpf".to_owned()
    } else {
        format!(
            "{} is not on a BPF file system: name a directory below /sys/fs/bpf, or mount -t bpf bpf {}",
            bpffs.display(),
            bpffs.display()
        )
    }))
}

/// What tells this thread's network namespace from others that live.
pub(super) fn network_namespace() -> Result<u64, DataplaneError> {
    let path = "/proc/thread-self/ns/net";
    fs::metadata(path)
        .map(|metadata| metadata.ino())
        .map_err(|error| setup_error(format!("{path}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<(), DataplaneError>) -> String {
        result.map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_missing_capability_is_named() {
        let rights = |hex: &str| message(rights_of(&format!("Name:\tx\nCapEff:\t{hex}\n")));
        assert_eq!(rights("000001ffffffffff"), "");
        assert_eq!(rights("0000008000001000"), "");
        assert_eq!(
            rights("0000000000001000"),
            "no right to load an XDP program: run as root, or give the service CAP_BPF"
        );
        assert!(rights("0").ends_with("CAP_BPF and CAP_NET_ADMIN"));
    }

    #[test]
    fn a_kernel_is_judged_by_two_numbers() {
        assert_eq!(message(kernel_of("6.1.0-18-amd64")), "");
        assert_eq!(message(kernel_of("10.0")), "");
        assert_eq!(
            message(kernel_of("5.15.0")),
            "Linux 5.15.0 is too old for the XDP program: 6.1 or newer is needed"
        );
    }

    #[test]
    fn a_directory_elsewhere_is_refused() {
        assert!(
            message(check_bpffs(Path::new("/tmp/router"))).starts_with("/tmp/router is not on")
        );
    }
}
