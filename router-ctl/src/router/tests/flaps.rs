//! A neighbour that comes, tells a table and goes, again and again: nothing of it is left, and nothing grows.

use super::*;

const FLAPS: u32 = 100;
const ROUTES: u32 = 2000;
/// Prefixes that share their attributes.
const ALIKE: usize = 7;

/// All that could grow.
#[derive(Debug, PartialEq, Eq)]
struct Size {
    prefixes: usize,
    prefix_numbers: usize,
    attribute_sets: usize,
    rib_bytes: usize,
    group_bytes: usize,
    path_lists: usize,
    next_hops: usize,
    buckets: usize,
    routes: usize,
    bindings: usize,
    waiting: [usize; 4],
}

impl Size {
    fn of(rig: &Rig) -> Self {
        let router = &rig.router;
        let fib = router.fib.counts();
        assert_eq!((fib.waiting, fib.refused), (0, 0), "the FIB has no room");
        Self {
            prefixes: router.index.len(),
            prefix_numbers: router.index.bound(false) + router.index.bound(true),
            attribute_sets: router.rib.attribute_sets(),
            rib_bytes: router.rib.memory_bytes(),
            group_bytes: router.groups.memory_bytes(),
            path_lists: fib.path_lists,
            next_hops: fib.next_hops,
            buckets: fib.buckets,
            routes: fib.routes_v4,
            bindings: rig.dataplane.dump().unwrap().bindings.len(),
            waiting: [
                router.unused.len(),
                router.awaiting.len(),
                router.outstanding_ops,
                router.effects.len(),
            ],
        }
    }
}

/// The table of one flap: always the prefixes of the flap before and some that are new, with attributes that were
/// never seen.
fn table(flap: u32) -> Vec<RouteUpdate> {
    let prefixes: Vec<_> = (0..ROUTES)
        .map(|number| {
            nlri(&format!(
                "{}/24",
                Ipv4Addr::from(0x1400_0000 + ((flap * 300 + number) << 8))
            ))
        })
        .collect();
    let updates = prefixes
        .chunks(ALIKE)
        .zip(0..)
        .map(|(chunk, set)| RouteUpdate {
            family: Family::Ipv4Unicast,
            attributes: Some(PathAttributes {
                next_hop: NextHop::V4(Ipv4Addr::new(10, 0, 1, 2)),
                raw: raw_attributes(&[65001, 100_000 + flap, 200_000 + set]),
            }),
            announced: chunk.to_vec(),
            withdrawn: Vec::new(),
        });
    updates.collect()
}

fn flap(rig: &mut Rig, number: u32) {
    rig.up(FIRST);
    for updates in table(number).chunks(50) {
        rig.event(Event::Routes {
            peer: FIRST,
            updates: updates.to_vec(),
        });
    }
    rig.end_of_rib(FIRST);
    let heard = rig.heard(SECOND).len();
    assert_eq!(heard, ROUTES as usize, "flap {number}: routes told");
    rig.down(FIRST, Retain::No);
    let heard = rig.heard(SECOND).len();
    assert_eq!(heard, ROUTES as usize, "flap {number}: routes taken back");
    rig.told.clear();
    rig.orders.clear();
}

#[test]
fn a_hundred_flaps_of_a_table_leave_nothing_behind() {
    let mut rig = Rig::new(CONFIG);
    for peer in [SECOND, THIRD] {
        rig.up(peer);
        rig.end_of_rib(peer);
    }
    rig.told.clear();
    let empty = Size::of(&rig);
    flap(&mut rig, 0);
    let first = Size::of(&rig);
    // Tables keep their places for the next time; what is in them is gone.
    assert_eq!(
        Size {
            prefix_numbers: empty.prefix_numbers,
            rib_bytes: empty.rib_bytes,
            group_bytes: empty.group_bytes,
            ..Size::of(&rig)
        },
        empty
    );
    for number in 1..FLAPS {
        flap(&mut rig, number);
        let size = Size::of(&rig);
        // A hash table counts places that wait to be cleared as taken.
        assert!(
            size.rib_bytes <= first.rib_bytes + first.rib_bytes / 64,
            "after flap {number}: {} bytes, after the first {}",
            size.rib_bytes,
            first.rib_bytes
        );
        let rib_bytes = first.rib_bytes;
        assert_eq!(Size { rib_bytes, ..size }, first, "after flap {number}");
    }
}
