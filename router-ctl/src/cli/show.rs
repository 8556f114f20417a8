//! `show`: which endpoint a command asks, and how its body is printed.

mod bfd;
mod bgp;
mod dataplane;
mod neighbor;
mod prefix;
mod route;
mod system;

use std::io::Write;

use serde::de::DeserializeOwned;

use crate::cli::args::{
    Bfd, Bgp, Dataplane, Ip, NeighborTable, Print, RouteArgs, Show, System, TableArgs, TablePart,
};
use crate::cli::client::{Client, segment};
use crate::cli::failure::Failure;
use crate::cli::output::Style;

pub(super) fn show(
    client: &Client,
    show: &Show,
    out: &mut dyn Write,
    style: Style,
) -> Result<(), Failure> {
    let mut ask = Ask { client, out, style };
    match show {
        Show::Bgp(Bgp::Summary(print)) => ask.body(print, "/bgp/summary", bgp::summary),
        Show::Bgp(Bgp::Neighbors {
            neighbor,
            table,
            ipv6,
            print,
        }) => {
            let path = match neighbor {
                Some(neighbor) => format!("/bgp/neighbors/{}", segment(neighbor)),
                None => "/bgp/neighbors".to_owned(),
            };
            let Some(table) = table else {
                return ask.body(print, &path, neighbor::neighbors);
            };
            let family = if *ipv6 { "ipv6" } else { "ipv4" };
            let path = format!("{path}/routes/{}?family={family}", table.segment());
            let listing = match table {
                NeighborTable::FilteredRoutes => bgp::Listing::with_reasons(),
                NeighborTable::ReceivedRoutes
                | NeighborTable::Routes
                | NeighborTable::AdvertisedRoutes => bgp::Listing::default(),
            };
            ask.list(print, &path, listing)
        }
        Show::Bgp(Bgp::Ipv4(table)) => ask.bgp_table("ipv4", table),
        Show::Bgp(Bgp::Ipv6(table)) => ask.bgp_table("ipv6", table),
        Show::Route(route) | Show::Ip(Ip::Route(route)) => ask.routes(route, route.ipv6),
        Show::Ipv6(Ip::Route(route)) => ask.routes(route, true),
        Show::Interfaces(print) => ask.body(print, "/interfaces", system::interfaces),
        Show::Fib(print) => ask.body(print, "/fib", system::fib),
        Show::Dataplane(Dataplane::Accounting(print)) => {
            ask.body(print, "/dataplane/accounting", dataplane::accounting)
        }
        Show::Bfd(Bfd::Peers(print)) => ask.body(print, "/bfd/peers", bfd::peers),
        Show::Drops(print) => ask.body(print, "/dataplane/accounting", dataplane::drops),
        Show::System(System::Startup(print)) => ask.body(print, "/system/startup", system::startup),
        Show::Version(print) => ask.body(print, "/version", system::version),
    }
}

/// Prints a body that is known as a whole.
type Render<T> = fn(&T, &mut dyn Write, Style) -> std::io::Result<()>;

struct Ask<'a> {
    client: &'a Client,
    out: &'a mut dyn Write,
    style: Style,
}

impl Ask<'_> {
    fn body<T: DeserializeOwned>(
        &mut self,
        print: &Print,
        path: &str,
        render: Render<T>,
    ) -> Result<(), Failure> {
        if print.json {
            return print_body(self.client, path, self.out);
        }
        let view = self.client.json(path)?;
        Ok(render(&view, self.out, self.style)?)
    }

    fn bgp_table(&mut self, family: &str, table: &TableArgs) -> Result<(), Failure> {
        let path = format!("/bgp/{family}/routes");
        match table.prefix {
            None => self.list(&table.print, &path, bgp::Listing::default()),
            Some(TablePart::Summary) => {
                let path = format!("/bgp/summary?family={family}");
                let render = match family {
                    "ipv6" => bgp::summary_ipv6,
                    _ => bgp::summary_ipv4,
                };
                self.body(&table.print, &path, render)
            }
            Some(TablePart::Destination(wanted)) if wanted.is_ipv6() != (family == "ipv6") => {
                let other = if wanted.is_ipv6() { "ipv6" } else { "ipv4" };
                Err(Failure::Refused(format!(
                    "{wanted} is not {family}; try show bgp {other} {wanted}"
                )))
            }
            Some(TablePart::Destination(wanted)) if table.longer => {
                let path = format!("{path}/{wanted}?longer=true");
                self.list(&table.print, &path, bgp::Listing::default())
            }
            Some(TablePart::Destination(wanted)) => {
                self.body(&table.print, &format!("{path}/{wanted}"), prefix::detail)
            }
        }
    }

    fn routes(&mut self, routes: &RouteArgs, ipv6: bool) -> Result<(), Failure> {
        let ipv6 = routes.prefix.map_or(ipv6, |prefix| prefix.is_ipv6());
        let path = format!("/routes/{}", if ipv6 { "ipv6" } else { "ipv4" });
        match routes.prefix {
            Some(prefix) if !routes.longer => {
                self.body(&routes.print, &format!("{path}/{prefix}"), route::detail)
            }
            Some(prefix) => {
                let path = format!("{path}/{prefix}?longer=true");
                self.list(&routes.print, &path, route::Listing::default())
            }
            None => self.list(&routes.print, &path, route::Listing::default()),
        }
    }

    /// Prints a long list while it comes.
    fn list(&mut self, print: &Print, path: &str, mut listing: impl Lines) -> Result<(), Failure> {
        if print.json {
            return print_body(self.client, path, self.out);
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut body = self
            .client
            .get(&format!("{path}{separator}format=ndjson"))?;
        body.lines(|line| listing.line(line, self.out, self.style))?;
        Ok(listing.end(self.out)?)
    }
}

/// Prints a list line by line.
trait Lines {
    fn line(&mut self, line: &[u8], out: &mut dyn Write, style: Style) -> Result<(), Failure>;
    fn end(&mut self, out: &mut dyn Write) -> std::io::Result<()>;
}

/// The body as it comes, that of an error too.
pub(super) fn print_body(client: &Client, path: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let mut body = client.get_any(path)?;
    while let Some(chunk) = body.chunk()? {
        out.write_all(&chunk)?;
    }
    writeln!(out)?;
    match body.status.as_u16() {
        200..300 => Ok(()),
        400 | 413 | 422 => Err(Failure::Said(2)),
        409 | 423 => Err(Failure::Said(4)),
        _ => Err(Failure::Said(1)),
    }
}
