//! The choice between protocols: for each prefix the source with the lowest administrative distance goes to
//! the FIB. Connected and local routes are the FIB's own and win over all of these.

use std::collections::{BTreeMap, HashMap};

use ipnet::IpNet;
use smallvec::SmallVec;

use crate::config::model::{StaticRoute, StaticRoutes};
use crate::fib::gateway::{Gateway, GatewayId, Reachability as FibReachability};
use crate::fib::path_list::PathSet;
use crate::host::IfIndex;
use crate::prefix::PrefixId;
use crate::rib::next_hops::{NextHopRef, Reachability};
use crate::rib::route::PeerKind;
use crate::router::Router;
use crate::router::effect::Effect;
use crate::router::query::Protocol;

const DISTANCE_STATIC: u8 = 1;
const DISTANCE_EBGP: u8 = 20;
const DISTANCE_IBGP: u8 = 200;
