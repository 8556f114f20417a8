//! The AS_PATH as another AS may see it.
//!
//! `remove-private-as` and `as-override` come before the export policy, our own AS after it: what a policy prepends
//! stands behind us and stays, whatever numbers it names.

use crate::bgp::attributes::{AttributesEditor, AttributesView};
use crate::bgp::types::Asn;
use crate::bgp::wire::as_path::{AsPath, AsPathBuilder, SegmentKind};
use crate::rib::export::key::{FamilyKey, GroupKey, GroupKind, RemovePrivateAs};

/// The attributes with what the neighbour's settings do to the ASes of others, `None` when that is nothing.
pub(super) fn foreign_ases(key: &GroupKey, family: &FamilyKey, raw: &[u8]) -> Option<Box<[u8]>> {
    if key.kind == GroupKind::Ibgp
        || (family.remove_private_as.is_none() && family.as_override.is_none())
    {
        return None;
    }
    let path = AttributesView::new(raw).as_path();
    let removed = match family.remove_private_as {
        Some(RemovePrivateAs::All { peer_as }) => Some(map(path, |asn| {
            (asn == peer_as || !is_private(asn)).then_some(asn)
        })),
        Some(RemovePrivateAs::IfAlone) if path.ases().all(is_private) => Some(AsPathBuilder::new()),
        Some(RemovePrivateAs::IfAlone) | None => None,
    };
    let path = removed.as_ref().map_or(path, AsPathBuilder::as_path);
    let overridden = family.as_override.map(|theirs| {
        let ours = |asn| if asn == theirs { key.local_as } else { asn };
        map(path, |asn| Some(ours(asn)))
    });
    let path = overridden.as_ref().map_or(path, AsPathBuilder::as_path);
    let mut editor = AttributesEditor::new(raw);
    editor.set_as_path(path);
    Some(editor.finish())
}

/// Confederation segments are ours alone (RFC 5065 §4); then our AS becomes the leftmost (RFC 4271 §5.1.2).
pub(super) fn leave_our_as(
    key: &GroupKey,
    family: &FamilyKey,
    path: AsPath<'_>,
    editor: &mut AttributesEditor<'_>,
) {
    if path.segments().any(|segment| segment.kind.is_confed()) {
        editor.set_as_path(path.without_confed().as_path());
    }
    // A route of our own has nothing that could stay as it is, and no path at all would be malformed.
    let transparent = family.unchanged.as_path || family.route_server_client;
    if transparent && path.ases().next().is_some() {
        return;
    }
    if let Some(asn) = key.behind_local_as {
        editor.prepend_as(asn);
    }
    editor.prepend_as(key.local_as);
}

/// RFC 6996 §5, without the last ones, which are reserved (RFC 7300).
fn is_private(asn: Asn) -> bool {
    matches!(asn.0, 64512..=65534 | 4_200_000_000..=4_294_967_294)
}

/// The path with each AS replaced or left out. A segment that loses all is gone.
fn map(path: AsPath<'_>, mut change: impl FnMut(Asn) -> Option<Asn>) -> AsPathBuilder {
    let mut changed = AsPathBuilder::new();
    for segment in path.segments() {
        let ases = segment.ases().filter_map(&mut change);
        match segment.kind {
            SegmentKind::Sequence => ases.for_each(|asn| changed.push(asn)),
            SegmentKind::Set | SegmentKind::ConfedSequence | SegmentKind::ConfedSet => {
                changed.push_segment(segment.kind, ases);
            }
        }
    }
    changed
}
