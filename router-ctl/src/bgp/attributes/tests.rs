use proptest::prelude::*;

use super::*;

/// ORIGIN, AS_PATH 65001 {7,8}, MED 5, LOCAL_PREF 200, two communities.
fn raw() -> Box<[u8]> {
    let mut path = AsPathBuilder::new();
    path.push(Asn(65001));
    path.push_segment(
        crate::bgp::wire::as_path::SegmentKind::Set,
        [Asn(7), Asn(8)],
    );
    let mut editor = AttributesEditor::empty();
    editor.set_local_pref(200);
    editor.set_med(5);
    editor.set_as_path(path.as_path());
    editor.set_origin(Origin::Incomplete);
    editor.set_communities([Community(2), Community::NO_EXPORT, Community(2)]);
    editor.finish()
}

#[test]
fn a_view_finds_every_attribute() {
    let raw = raw();
    let view = AttributesView::new(&raw);
    assert_eq!(view.origin(), Some(Origin::Incomplete));
    assert_eq!(view.as_path().to_string(), "65001 {7,8}");
    assert_eq!(view.as_path_length(), 2);
    assert_eq!(view.neighbour_as(), Some(Asn(65001)));
    assert_eq!(view.origin_as(), None);
    assert_eq!((view.med(), view.local_pref()), (Some(5), Some(200)));
    let communities: Vec<_> = view.communities().map(|each| each.to_string()).collect();
    assert_eq!(communities, ["0:2", "no-export"]);
    assert_eq!(view.originator_id(), None);
    assert_eq!(view.cluster_list().len(), 0);
    assert!(!view.atomic_aggregate() && view.aggregator().is_none());
    let codes: Vec<_> = view.iter().map(|(code, _, _)| code.0).collect();
    assert_eq!(codes, [1, 2, 4, 5, 8]);
}

#[test]
fn prepending_lengthens_the_leading_sequence() {
    let edited = |times| {
        let raw = raw();
        let mut editor = AttributesEditor::new(&raw);
        editor.prepend_as_times(Asn(65000), times);
        editor.finish()
    };
    let one = edited(1);
    let view = AttributesView::new(&one);
    assert_eq!(view.as_path().to_string(), "65000 65001 {7,8}");
    assert_eq!(view.as_path().segments().count(), 2);
    let many = edited(300);
    let view = AttributesView::new(&many);
    assert_eq!(view.as_path_length(), 302);
    let counts: Vec<_> = view.as_path().segments().map(|each| each.count()).collect();
    assert_eq!(counts, [255, 46, 2]);
}

#[test]
fn a_local_route_begins_with_nothing() {
    let mut editor = AttributesEditor::empty();
    editor.set_origin(Origin::Igp);
    editor.prepend_as(Asn(65000));
    assert_eq!(
        *editor.finish(),
        [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe8]
    );
}

#[test]
fn reflection_sets_originator_and_grows_the_cluster_list() {
    let id = |last: u8| RouterId([10, 0, 0, last].into());
    let mut editor = AttributesEditor::empty();
    editor.set_originator_id(id(9));
    editor.prepend_cluster(id(1));
    editor.prepend_cluster(id(2));
    let raw = editor.finish();
    let view = AttributesView::new(&raw);
    assert_eq!(view.originator_id(), Some(id(9)));
    assert_eq!(view.cluster_list().collect::<Vec<_>>(), [id(2), id(1)]);
}

#[test]
fn removing_leaves_the_rest() {
    let raw = raw();
    let mut editor = AttributesEditor::new(&raw);
    editor.remove(AttributeCode::LOCAL_PREF);
    editor.set_communities([]);
    editor.retain(|code, _| code != AttributeCode::MED);
    let codes: Vec<_> = AttributesView::new(&editor.finish())
        .iter()
        .map(|(code, _, _)| code.0)
        .collect();
    assert_eq!(codes, [1, 2]);
}

#[test]
fn a_long_value_gets_a_long_header() {
    let mut editor = AttributesEditor::empty();
    editor.set_large_communities((0..30).map(|number| LargeCommunity([1, 2, number])));
    let raw = editor.finish();
    assert_eq!(raw[..4], [0xd0, 32, 1, 0x68]);
    let view = AttributesView::new(&raw);
    assert_eq!(view.large_communities().len(), 30);
    assert_eq!(
        view.large_communities().last().unwrap().to_string(),
        "1:2:29"
    );
}

#[test]
fn communities_have_names() {
    let extended = |octets| ExtendedCommunity(octets).to_string();
    assert_eq!(extended([0, 2, 0xfd, 0xe9, 0, 0, 0, 7]), "rt:65001:7");
    assert_eq!(extended([1, 3, 10, 0, 0, 1, 0, 7]), "soo:10.0.0.1:7");
    assert_eq!(extended([2, 2, 0, 1, 0, 0, 0, 7]), "rt:65536:7");
    assert_eq!(extended([3, 11, 0, 0, 0, 0, 0, 1]), "0x030b000000000001");
    assert_eq!(Community(0xfde9_0064).to_string(), "65001:100");
    assert_eq!(Community(0xffff_029a).to_string(), "blackhole");
}

#[test]
fn paths_are_written_as_operators_write_them() {
    use crate::bgp::wire::as_path::SegmentKind::{ConfedSequence, ConfedSet};
    let mut path = AsPathBuilder::new();
    path.push_segment(ConfedSequence, [Asn(1), Asn(2)]);
    path.push_segment(ConfedSet, [Asn(3)]);
    path.push(Asn(4));
    let path = path.as_path();
    assert_eq!(path.to_string(), "(1 2) [3] 4");
    assert_eq!(path.without_confed().as_path().to_string(), "4");
    assert_eq!((path.length(), path.neighbour_as()), (1, Some(Asn(4))));
    assert_eq!(path.origin_as(), Some(Asn(4)));
    assert_eq!(path.occurrences(Asn(3)), 1);
}

proptest! {
    #[test]
    fn an_editor_that_changes_nothing_changes_nothing(
        values in prop::collection::btree_map(any::<u8>(), prop::collection::vec(any::<u8>(), 0..400), 0..12),
    ) {
        let mut editor = AttributesEditor::empty();
        for (code, value) in &values {
            editor.set(AttributeCode(*code), AttributeFlags::OPTIONAL_TRANSITIVE, value);
        }
        let raw = editor.finish();
        prop_assert_eq!(&AttributesEditor::new(&raw).finish(), &raw);
        let read: Vec<_> = AttributesView::new(&raw).iter().map(|(code, _, value)| (code.0, value.to_vec())).collect();
        prop_assert_eq!(read, values.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_viewed_without_panic(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        let view = AttributesView::new(&raw);
        let _ = (view.origin(), view.med(), view.aggregator(), view.originator_id());
        let _ = view.as_path().to_string();
        let _ = (view.communities().count(), view.large_communities().count());
        let _ = AttributesEditor::new(&raw).finish();
    }
}
