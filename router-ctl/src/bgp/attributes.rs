//! Reads and edits the canonical bytes of a path's attributes (`PathAttributes::raw`).
//!
//! The bytes are kept as they are because most of them are only passed on, compared and hashed. A view finds
//! what a question needs; an editor writes the bytes of a changed path, canonical again.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use smallvec::SmallVec;

use crate::bgp::types::{Asn, Origin, PathAttributes, RouterId};
use crate::bgp::wire::as_path::{AsPath, AsPathBuilder};
use crate::bgp::wire::attribute::{AttributeCode, AttributeFlags, write_attribute, written_length};
pub use crate::bgp::wire::community::{Community, ExtendedCommunity, LargeCommunity};

impl PathAttributes {
    pub fn view(&self) -> AttributesView<'_> {
        AttributesView::new(&self.raw)
    }

    pub fn edit(&self) -> AttributesEditor<'_> {
        AttributesEditor::new(&self.raw)
    }
}

/// AGGREGATOR (RFC 4271 §5.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aggregator {
    pub asn: Asn,
    pub address: Ipv4Addr,
}

/// Reads canonical bytes. Missing attributes are `None` or empty.
#[derive(Clone, Copy, Debug)]
pub struct AttributesView<'a> {
    raw: &'a [u8],
}

impl<'a> AttributesView<'a> {
    pub fn new(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// Every attribute, ascending by code.
    pub fn iter(self) -> AttributesIter<'a> {
        AttributesIter { rest: self.raw }
    }

    pub fn get(self, code: AttributeCode) -> Option<&'a [u8]> {
        self.iter()
            .take_while(|&(each, _, _)| each <= code)
            .find_map(|(each, _, value)| (each == code).then_some(value))
    }

    pub fn origin(self) -> Option<Origin> {
        Origin::from_code(*self.get(AttributeCode::ORIGIN)?.first()?)
    }

    pub fn as_path(self) -> AsPath<'a> {
        AsPath::new(self.get(AttributeCode::AS_PATH).unwrap_or_default())
    }

    /// As the decision process counts it.
    pub fn as_path_length(self) -> u32 {
        self.as_path().length()
    }

    pub fn neighbour_as(self) -> Option<Asn> {
        self.as_path().neighbour_as()
    }

    pub fn origin_as(self) -> Option<Asn> {
        self.as_path().origin_as()
    }

    pub fn med(self) -> Option<u32> {
        self.number(AttributeCode::MED)
    }

    pub fn local_pref(self) -> Option<u32> {
        self.number(AttributeCode::LOCAL_PREF)
    }

    pub fn atomic_aggregate(self) -> bool {
        self.get(AttributeCode::ATOMIC_AGGREGATE).is_some()
    }

    pub fn aggregator(self) -> Option<Aggregator> {
        let (asn, rest) = self.get(AttributeCode::AGGREGATOR)?.split_first_chunk()?;
        Some(Aggregator {
            asn: Asn(u32::from_be_bytes(*asn)),
            address: Ipv4Addr::from(*rest.first_chunk::<4>()?),
        })
    }

    pub fn originator_id(self) -> Option<RouterId> {
        let id = self.number(AttributeCode::ORIGINATOR_ID)?;
        Some(RouterId(Ipv4Addr::from(id)))
    }

    /// The nearest cluster first.
    pub fn cluster_list(self) -> impl ExactSizeIterator<Item = RouterId> + use<'a> {
        self.chunks(AttributeCode::CLUSTER_LIST)
            .map(|id: [u8; 4]| RouterId(Ipv4Addr::from(id)))
    }

    pub fn communities(self) -> impl ExactSizeIterator<Item = Community> + use<'a> {
        self.chunks(AttributeCode::COMMUNITIES)
            .map(|octets| Community(u32::from_be_bytes(octets)))
    }

    pub fn large_communities(self) -> impl ExactSizeIterator<Item = LargeCommunity> + use<'a> {
        self.chunks(AttributeCode::LARGE_COMMUNITIES)
            .map(LargeCommunity::from_octets)
    }

    pub fn extended_communities(
        self,
    ) -> impl ExactSizeIterator<Item = ExtendedCommunity> + use<'a> {
        self.chunks(AttributeCode::EXTENDED_COMMUNITIES)
            .map(ExtendedCommunity)
    }

    fn number(self, code: AttributeCode) -> Option<u32> {
        let octets = self.get(code)?.first_chunk()?;
        Some(u32::from_be_bytes(*octets))
    }

    fn chunks<const N: usize>(
        self,
        code: AttributeCode,
    ) -> impl ExactSizeIterator<Item = [u8; N]> + use<'a, N> {
        let (chunks, _) = self.get(code).unwrap_or_default().as_chunks::<N>();
        chunks.iter().copied()
    }
}

/// Iterator over (code, flags, value).
#[derive(Clone, Debug)]
pub struct AttributesIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for AttributesIter<'a> {
    type Item = (AttributeCode, AttributeFlags, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[flags, code], rest) = self.rest.split_first_chunk()?;
        let (length, rest) = if flags & AttributeFlags::EXTENDED_LENGTH != 0 {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        } else {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some((AttributeCode(code), AttributeFlags(flags), value))
    }
}

#[derive(Clone, Debug)]
struct Entry<'a> {
    code: AttributeCode,
    flags: AttributeFlags,
    value: Cow<'a, [u8]>,
}

/// Changes canonical bytes. `finish` gives canonical bytes again.
#[derive(Clone, Debug, Default)]
pub struct AttributesEditor<'a> {
    /// Ascending by code, each once.
    entries: SmallVec<[Entry<'a>; 8]>,
}

impl<'a> AttributesEditor<'a> {
    pub fn new(raw: &'a [u8]) -> Self {
        let mut editor = Self::empty();
        for (code, flags, value) in AttributesView::new(raw).iter() {
            editor.put(code, flags, Cow::Borrowed(value));
        }
        editor
    }

    /// No attributes: the beginning of a local route.
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn set(&mut self, code: AttributeCode, flags: AttributeFlags, value: &[u8]) {
        self.put(code, flags, Cow::Owned(value.to_vec()));
    }

    pub fn remove(&mut self, code: AttributeCode) {
        self.entries.retain(|entry| entry.code != code);
    }

    /// Keeps the attributes for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(AttributeCode, AttributeFlags) -> bool) {
        self.entries.retain(|entry| keep(entry.code, entry.flags));
    }

    pub fn set_origin(&mut self, origin: Origin) {
        self.set(
            AttributeCode::ORIGIN,
            AttributeFlags::WELL_KNOWN,
            &[origin.code()],
        );
    }

    pub fn set_as_path(&mut self, path: AsPath<'_>) {
        self.set(
            AttributeCode::AS_PATH,
            AttributeFlags::WELL_KNOWN,
            path.octets(),
        );
    }

    /// `asn` becomes the leftmost AS of the path (RFC 4271 §5.1.2 b).
    pub fn prepend_as(&mut self, asn: Asn) {
        self.prepend_as_times(asn, 1);
    }

    pub fn prepend_as_times(&mut self, asn: Asn, times: usize) {
        let mut path = AsPathBuilder::new();
        (0..times).for_each(|_| path.push(asn));
        let old = self.value(AttributeCode::AS_PATH).unwrap_or_default();
        path.push_path(AsPath::new(old), |_| true);
        self.set_as_path(path.as_path());
    }

    pub fn set_med(&mut self, med: u32) {
        let flags = AttributeFlags::OPTIONAL_NON_TRANSITIVE;
        self.set(AttributeCode::MED, flags, &med.to_be_bytes());
    }

    pub fn set_local_pref(&mut self, preference: u32) {
        let flags = AttributeFlags::WELL_KNOWN;
        self.set(AttributeCode::LOCAL_PREF, flags, &preference.to_be_bytes());
    }

    pub fn set_atomic_aggregate(&mut self) {
        self.set(
            AttributeCode::ATOMIC_AGGREGATE,
            AttributeFlags::WELL_KNOWN,
            &[],
        );
    }

    pub fn set_aggregator(&mut self, aggregator: Aggregator) {
        let mut value = aggregator.asn.0.to_be_bytes().to_vec();
        value.extend_from_slice(&aggregator.address.octets());
        let flags = AttributeFlags::OPTIONAL_TRANSITIVE;
        self.put(AttributeCode::AGGREGATOR, flags, Cow::Owned(value));
    }

    pub fn set_originator_id(&mut self, id: RouterId) {
        let flags = AttributeFlags::OPTIONAL_NON_TRANSITIVE;
        self.set(AttributeCode::ORIGINATOR_ID, flags, &id.0.octets());
    }

    /// `id` becomes the first of the CLUSTER_LIST (RFC 4456 §8).
    pub fn prepend_cluster(&mut self, id: RouterId) {
        let mut value = id.0.octets().to_vec();
        value.extend_from_slice(self.value(AttributeCode::CLUSTER_LIST).unwrap_or_default());
        let flags = AttributeFlags::OPTIONAL_NON_TRANSITIVE;
        self.put(AttributeCode::CLUSTER_LIST, flags, Cow::Owned(value));
    }

    /// Replaces the standard communities; none removes the attribute.
    pub fn set_communities(&mut self, communities: impl IntoIterator<Item = Community>) {
        let octets = communities.into_iter().map(|each| each.0.to_be_bytes());
        self.set_of(AttributeCode::COMMUNITIES, octets);
    }

    pub fn set_extended_communities(
        &mut self,
        communities: impl IntoIterator<Item = ExtendedCommunity>,
    ) {
        let octets = communities.into_iter().map(|each| each.0);
        self.set_of(AttributeCode::EXTENDED_COMMUNITIES, octets);
    }

    pub fn set_large_communities(&mut self, communities: impl IntoIterator<Item = LargeCommunity>) {
        let octets = communities.into_iter().map(LargeCommunity::octets);
        self.set_of(AttributeCode::LARGE_COMMUNITIES, octets);
    }

    /// The canonical bytes.
    pub fn finish(self) -> Box<[u8]> {
        let lengths = self
            .entries
            .iter()
            .map(|entry| written_length(&entry.value));
        let mut raw = Vec::with_capacity(lengths.sum());
        for entry in &self.entries {
            write_attribute(&mut raw, entry.code, entry.flags, &entry.value);
        }
        raw.into_boxed_slice()
    }

    fn value(&self, code: AttributeCode) -> Option<&[u8]> {
        let entry = self.entries.iter().find(|entry| entry.code == code)?;
        Some(&entry.value)
    }

    /// A set is written sorted and without duplicates.
    fn set_of<const N: usize>(
        &mut self,
        code: AttributeCode,
        octets: impl Iterator<Item = [u8; N]>,
    ) {
        let mut members: SmallVec<[[u8; N]; 16]> = octets.collect();
        members.sort_unstable();
        members.dedup();
        if members.is_empty() {
            self.remove(code);
        } else {
            self.set(
                code,
                AttributeFlags::OPTIONAL_TRANSITIVE,
                members.as_flattened(),
            );
        }
    }

    fn put(&mut self, code: AttributeCode, flags: AttributeFlags, value: Cow<'a, [u8]>) {
        let entry = Entry { code, flags, value };
        match self.entries.binary_search_by_key(&code, |entry| entry.code) {
            Ok(at) => {
                if let Some(slot) = self.entries.get_mut(at) {
                    *slot = entry;
                }
            }
            Err(at) => self.entries.insert(at, entry),
        }
    }
}

#[cfg(test)]
mod tests;
