//! `show interfaces`, `show fib`, `show system startup`, `show version`.

use std::io::{self, Write};

use crate::api::view::{Fib, Interface, Interfaces, Startup, Usage, Version};
use crate::cli::check::plural;
use crate::cli::output::{Paint, Style};
use crate::cli::table::{Cell, Column, Table};

pub(super) fn interfaces(all: &Interfaces, out: &mut dyn Write, style: Style) -> io::Result<()> {
    writeln!(
        out,
        "Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down"
    )?;
    let mut table = Table::new([
        Column::left("Interface"),
        Column::left("IP Address"),
        Column::left("S/L"),
        Column::left("XDP"),
        Column::right("MTU").optional(2),
        Column::left("MAC").optional(1),
        Column::left("Description").cut_to(11),
    ]);
    for (name, interface) in &all.0 {
        let mut addresses = interface.addresses.iter().map(String::as_str);
        table.row([
            name.as_str().into(),
            addresses.next().unwrap_or("-").into(),
            state(interface),
            xdp(interface),
            interface.mtu.to_string().into(),
            interface.mac.as_deref().unwrap_or("-").into(),
            interface.description.as_deref().unwrap_or("").into(),
        ]);
        for address in addresses {
            let empty = Cell::default;
            table.row([
                empty(),
                address.into(),
                empty(),
                empty(),
                empty(),
                empty(),
                empty(),
            ]);
        }
    }
    table.write(out, style)
}

fn state(interface: &Interface) -> Cell {
    match interface.state.as_str() {
        "up" => Cell::painted("u/u", Paint::Good),
        "no-carrier" => Cell::painted("u/D", Paint::Bad),
        _ => Cell::painted("A/D", Paint::Warn),
    }
}

fn xdp(interface: &Interface) -> Cell {
    let paint = match interface.xdp.as_str() {
        "native" => Paint::Good,
        "generic" | "attaching" => Paint::Warn,
        "failed" => Paint::Bad,
        _ => Paint::Plain,
    };
    Cell::painted(interface.xdp.as_str(), paint)
}

pub(super) fn fib(fib: &Fib, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let state = if fib.pending == 0 {
        "in step with the routes".to_owned()
    } else {
        format!("{} on the way", plural(fib.pending, "operation"))
    };
    writeln!(
        out,
        "Engine {}, generation {}, {state}",
        fib.engine, fib.generation
    )?;
    if fib.failures > 0 {
        let text = format!(
            "{} failed since the start",
            plural(to_usize(fib.failures), "operation")
        );
        writeln!(out, "{}", style.paint(&text, Paint::Bad))?;
    }
    if fib.stale > 0 {
        let text = format!(
            "{} of an earlier run not confirmed yet",
            plural(fib.stale, "route")
        );
        writeln!(out, "{}", style.paint(&text, Paint::Warn))?;
    }
    writeln!(out)?;
    let routes = Usage {
        used: fib.routes.ipv4 + fib.routes.ipv6,
        capacity: fib.routes.capacity,
    };
    let mut table = Table::new([
        Column::left("Table"),
        Column::right("Used"),
        Column::right("Capacity"),
        Column::right("Full"),
    ]);
    for (name, usage) in [
        ("Routes", &routes),
        ("Path lists", &fib.path_lists),
        ("Buckets", &fib.buckets),
        ("Next hops", &fib.next_hops),
    ] {
        table.row([
            name.into(),
            usage.used.to_string().into(),
            usage.capacity.to_string().into(),
            full(usage),
        ]);
    }
    table.write(out, style)?;
    writeln!(
        out,
        "\n{} IPv4 and {} IPv6 routes",
        fib.routes.ipv4, fib.routes.ipv6
    )
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn full(usage: &Usage) -> Cell {
    let capacity = u64::from(usage.capacity);
    let percent = (usage.used as u64 * 1000)
        .checked_div(capacity)
        .unwrap_or(0);
    let paint = match percent {
        0..800 => Paint::Plain,
        800..950 => Paint::Warn,
        _ => Paint::Bad,
    };
    Cell::painted(format!("{}.{} %", percent / 10, percent % 10), paint)
}

pub(super) fn startup(startup: &Startup, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let mut table = Table::new([Column::left("Step"), Column::right("Time")]);
    for step in &startup.steps {
        table.row([
            step.name.as_str().into(),
            format!("{} ms", step.milliseconds).into(),
        ]);
    }
    table.write(out, style)?;
    writeln!(
        out,
        "\n{} ms in all; {} went on forwarding",
        startup.total_milliseconds,
        plural(startup.adopted_routes, "route")
    )
}

pub(super) fn version(version: &Version, out: &mut dyn Write, _: Style) -> io::Result<()> {
    writeln!(
        out,
        "{} {}, map layout {}",
        version.name, version.version, version.abi
    )
}
