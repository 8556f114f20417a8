//! RFC 4456.

use super::*;

fn reflector(client: bool) -> GroupKey {
    let mut key = key(GroupKind::Ibgp);
    key.reflector.cluster_id = RouterId([9, 9, 9, 9].into());
    key.ipv4_unicast.reflector_client = client;
    key
}

#[test]
fn who_is_told_of_whose_routes() {
    use Heard::{Ebgp, Ibgp, IbgpClient, Local};
    let apart = |client| {
        let mut key = reflector(client);
        key.reflector.between_clients = false;
        key
    };
    for (from, to_client, to_other, to_client_apart) in [
        (Local, true, true, true),
        (Ebgp, true, true, true),
        (IbgpClient, true, true, false),
        (Ibgp, true, false, true),
    ] {
        let told = |key: &GroupKey| judge(key, from, &path(&[3], 9)).is_ok();
        let seen = [reflector(true), reflector(false), apart(true)].map(|key| told(&key));
        assert_eq!(seen, [to_client, to_other, to_client_apart], "{from:?}");
        assert_eq!(told(&apart(false)), to_other, "{from:?}");
    }
}

#[test]
fn a_reflected_route_names_its_originator_and_the_clusters() {
    let learnt = with(&with_med(&path(&[3], 9), 5), |editor| {
        editor.set_local_pref(300)
    });
    let first = told(&reflector(true), Heard::IbgpClient, &learnt).unwrap();
    let view = first.view();
    assert_eq!(view.originator_id(), Some(RouterId([10, 0, 0, 7].into())));
    let clusters: Vec<_> = view.cluster_list().collect();
    assert_eq!(clusters, [RouterId([9; 4].into())]);
    assert_eq!((view.med(), view.local_pref()), (Some(5), Some(300)));
    assert_eq!(view.as_path().to_string(), "3");
    assert_eq!(first.next_hop, learnt.next_hop);

    let again = with(&first, |editor| {
        editor.set_originator_id(RouterId([1; 4].into()));
        editor.prepend_cluster(RouterId([2; 4].into()));
    });
    let second = told(&reflector(false), Heard::IbgpClient, &again).unwrap();
    let view = second.view();
    assert_eq!(view.originator_id(), Some(RouterId([1; 4].into())));
    let clusters: Vec<_> = view.cluster_list().collect();
    assert_eq!(
        clusters,
        [[9; 4], [2; 4], [9; 4]].map(|id| RouterId(id.into()))
    );
}

#[test]
fn what_came_from_outside_is_not_reflected() {
    let told = told(&reflector(true), Heard::Ebgp, &path(&[3], 9)).unwrap();
    assert_eq!(told.view().originator_id(), None);
    assert_eq!(told.view().cluster_list().len(), 0);
}
