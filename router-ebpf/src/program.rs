//! Entry. `received` is counted by the first instructions, the verdict by the last: if both came from one
//! counter, their equality would prove nothing.

use aya_ebpf::bindings::{xdp_action, xdp_md};
use aya_ebpf::helpers::bpf_get_smp_processor_id;
use aya_ebpf::helpers::generated::bpf_xdp_get_buff_len;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::port::{PortConfig, PortKey};
use router_common::route::RouteId;
use router_common::verdict::{Action, Verdict};
use router_ebpf::forward::forward;
use router_ebpf::tables::Tables;

use crate::count;
use crate::frame::{Gathered, Linear};
use crate::lookup::lpm_trie;
use crate::maps::{BUCKETS, NEXT_HOPS, PATH_LISTS, PORTS, ROUTES, SETTINGS, TX_PORTS};

#[xdp(frags)]
fn router_ingress(ctx: XdpContext) -> u32 {
    // SAFETY: plain helper calls on the program's own context.
    let (cpu, length) = unsafe {
        let length = bpf_xdp_get_buff_len(ctx.ctx) as u32;
        (bpf_get_smp_processor_id(), length)
    };
    let key = PortKey::untagged(ctx.ingress_ifindex() as u32);
    // SAFETY: entries are replaced whole, never changed in place.
    let port = unsafe { PORTS.get(&key) };
    let row = port.map_or(PortConfig::UNKNOWN_ROW, |port| port.row);
    count::received(cpu, row, length);

    let verdict = match port {
        None => Verdict::PassPortOff,
        Some(port) => match Linear::new(&ctx, length) {
            Some(mut frame) => settle(forward(&mut frame, &Maps { cpu }, port)),
            None => gathered(ctx.ctx, length, port, cpu),
        },
    };
    count::verdict(cpu, row, verdict, length);
    trace(&ctx, verdict, length);
    xdp_code(verdict)
}

/// In a trace build, tells user space of each packet: the verdict by its row, as a name would be a relocation.
#[cfg(feature = "trace")]
#[inline(always)]
fn trace(ctx: &XdpContext, verdict: Verdict, length: u32) {
    let port = ctx.ingress_ifindex();
    aya_log_ebpf::debug!(
        ctx,
        "interface {}: {} bytes, verdict row {}",
        port,
        length,
        verdict.row()
    );
}

#[cfg(not(feature = "trace"))]
#[inline(always)]
fn trace(_: &XdpContext, _: Verdict, _: u32) {}

/// A function of its own: rare, and its stack is not added to the common way's.
#[inline(never)]
fn gathered(ctx: *mut xdp_md, length: u32, port: &PortConfig, cpu: u32) -> Verdict {
    match Gathered::new(ctx, length) {
        Some(mut frame) => settle(forward(&mut frame, &Maps { cpu }, port)),
        None => Verdict::DropMalformedRunt,
    }
}

#[inline(always)]
fn settle(fate: Result<Verdict, Verdict>) -> Verdict {
    fate.unwrap_or_else(|stopped| stopped)
}

#[inline(always)]
fn xdp_code(verdict: Verdict) -> u32 {
    match verdict.action() {
        Action::Redirect => xdp_action::XDP_REDIRECT,
        Action::Pass => xdp_action::XDP_PASS,
        Action::Drop => xdp_action::XDP_DROP,
    }
}

/// The tables of a running router.
struct Maps {
    cpu: u32,
}

impl Tables for Maps {
    #[inline(always)]
    fn route_v4(&self, destination: [u8; 4]) -> RouteId {
        lpm_trie::route_v4(destination)
    }

    #[inline(always)]
    fn route_v6(&self, destination: [u8; 16]) -> RouteId {
        lpm_trie::route_v6(destination)
    }

    #[inline(always)]
    fn path_list_of(&self, route: RouteId) -> Option<PathListId> {
        ROUTES.get(route.0).copied()
    }

    #[inline(always)]
    fn path_list(&self, id: PathListId) -> Option<PathList> {
        let list = PATH_LISTS.get_ptr(id.0)?;
        // SAFETY: an element is eight bytes, aligned to eight. One load, so that offset and mask are of one time.
        Some(PathList::from_word(unsafe {
            list.cast::<u64>().read_volatile()
        }))
    }

    #[inline(always)]
    fn next_hop_in(&self, bucket: u32) -> Option<NextHopId> {
        BUCKETS.get(bucket).copied()
    }

    #[inline(always)]
    fn next_hop(&self, id: NextHopId) -> Option<&NextHop> {
        NEXT_HOPS.get(id.0)
    }

    #[inline(always)]
    fn hash_seed(&self) -> u32 {
        SETTINGS.get(0).map_or(0, |settings| settings.hash_seed)
    }

    #[inline(always)]
    fn count(&self, route: RouteId, length: u32) {
        count::route(self.cpu, route, length);
    }

    #[inline(always)]
    fn request_redirect(&self, egress: u32) -> bool {
        TX_PORTS
            .redirect(egress, u64::from(xdp_action::XDP_PASS))
            .is_ok()
    }
}
