use super::*;

const HOP: NextHop = NextHop {
    egress: 3,
    mtu: 1500,
    vlan: 0,
    neighbour: [2, 0, 0, 0, 0, 1, 0, 0],
    source_mac: [2, 0, 0, 0, 0, 9],
    verdict: 0,
};

fn net() -> IpNet {
    "10.0.0.0/8".parse().unwrap()
}

/// A prefix with all that it needs, ids 5, 6, 7, bucket 8.
fn built() -> Vec<FibOp> {
    vec![
        FibOp::PutNextHop {
            id: NextHopId(5),
            next_hop: HOP,
        },
        FibOp::PutBuckets {
            offset: 8,
            next_hops: vec![NextHopId(5)],
        },
        FibOp::PutPathList {
            id: PathListId(6),
            list: PathList { offset: 8, mask: 0 },
        },
        FibOp::PutRoute {
            id: RouteId(7),
            path_list: PathListId(6),
        },
        FibOp::Bind {
            prefix: net(),
            route: RouteId(7),
        },
    ]
}

fn torn_down() -> Vec<FibOp> {
    vec![
        FibOp::Unbind { prefix: net() },
        FibOp::Grace,
        FibOp::FreeRoute { id: RouteId(7) },
        FibOp::FreePathList { id: PathListId(6) },
        FibOp::FreeBuckets {
            offset: 8,
            count: 1,
        },
        FibOp::FreeNextHop { id: NextHopId(5) },
    ]
}

fn judge(ops: &[&[FibOp]]) -> Result<Memory, String> {
    std::panic::catch_unwind(|| {
        let mut memory = Memory::new();
        for ops in ops {
            assert!(memory.apply(ops).is_empty());
        }
        memory
    })
    .map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap_or(&"").to_string())
    })
}

#[test]
fn a_prefix_forwards_between_its_bind_and_its_unbind() {
    let address = "10.1.2.3".parse().unwrap();
    let memory = judge(&[&built()]).unwrap();
    assert_eq!(
        memory.lookup(address, 77),
        Found {
            route: RouteId(7),
            next_hop: HOP
        }
    );
    let memory = judge(&[&built(), &torn_down(), &built(), &torn_down()]).unwrap();
    assert_eq!(
        memory.lookup(address, 77),
        Found {
            route: RouteId::NO_ROUTE,
            next_hop: NextHop::terminal(Verdict::PassNoRoute)
        }
    );
    assert!(memory.is_empty());
}

#[test]
fn a_dump_restores_to_the_same_dump() {
    let memory = judge(&[&built()]).unwrap();
    let dump = memory.dump().unwrap();
    assert_eq!(Memory::restore(&dump).dump().unwrap(), dump);
}

#[test]
fn every_step_of_building_up_is_needed_before_the_next() {
    for missing in 0..4 {
        let mut ops = built();
        ops.remove(missing);
        assert!(judge(&[&ops]).is_err(), "without step {missing}");
    }
}

#[test]
fn nothing_is_freed_without_a_grace_period_after_its_unlink() {
    let mut ops = torn_down();
    ops.remove(1);
    let verdict = judge(&[&built(), &ops]).unwrap_err();
    assert!(verdict.contains("grace"), "{verdict}");
    let mut ops = torn_down();
    ops.swap(0, 1);
    let verdict = judge(&[&built(), &ops]).unwrap_err();
    assert!(verdict.contains("grace"), "{verdict}");
}

#[test]
fn nothing_is_freed_while_something_names_it() {
    for freed in 2..6 {
        let ops = [FibOp::Grace, torn_down()[freed].clone()];
        assert!(judge(&[&built(), &ops]).is_err(), "{:?}", ops[1]);
    }
}

#[test]
fn an_unlinked_id_is_not_written_again_before_it_is_freed() {
    let unbind = &torn_down()[..1];
    let verdict = judge(&[&built(), unbind, &built()]).unwrap_err();
    assert!(verdict.contains("before it is freed"), "{verdict}");
}

#[test]
fn a_next_hop_in_use_may_only_change_its_neighbour() {
    let put = |next_hop| {
        [FibOp::PutNextHop {
            id: NextHopId(5),
            next_hop,
        }]
    };
    let neighbour = NextHop::neighbour_word([2, 0, 0, 0, 0, 7]);
    assert!(judge(&[&built(), &put(NextHop { neighbour, ..HOP })]).is_ok());
    assert!(judge(&[&built(), &put(NextHop { mtu: 9000, ..HOP })]).is_err());
}

#[test]
fn a_resized_list_gives_its_old_buckets_up_after_a_grace_period() {
    let resize = [
        FibOp::PutBuckets {
            offset: 16,
            next_hops: vec![NextHopId(5); 2],
        },
        FibOp::PutPathList {
            id: PathListId(6),
            list: PathList {
                offset: 16,
                mask: 1,
            },
        },
    ];
    let free = [FibOp::FreeBuckets {
        offset: 8,
        count: 1,
    }];
    assert!(judge(&[&built(), &resize, &free]).is_err());
    assert!(judge(&[&built(), &resize, &[FibOp::Grace], &free]).is_ok());
}

#[test]
fn counters_are_zero() {
    let memory = judge(&[&built()]).unwrap();
    assert_eq!(memory.counters().routes(), vec![Counter::default(); 8]);
    assert!(memory.counters().verdicts().is_empty());
}
