//! AS_PATH: segments of AS numbers, two or four octets wide on the wire, always four in our canonical form.
//! Validation of the wire form and the AS4_PATH merge (RFC 6793 §4.2.3) are here too.

use std::fmt;

use smallvec::SmallVec;

use crate::bgp::types::Asn;

/// Kinds of segment (RFC 4271 §4.3, RFC 5065 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentKind {
    Set,
    Sequence,
    ConfedSequence,
    ConfedSet,
}

impl SegmentKind {
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Set),
            2 => Some(Self::Sequence),
            3 => Some(Self::ConfedSequence),
            4 => Some(Self::ConfedSet),
            _ => None,
        }
    }

    pub fn code(self) -> u8 {
        match self {
            Self::Set => 1,
            Self::Sequence => 2,
            Self::ConfedSequence => 3,
            Self::ConfedSet => 4,
        }
    }

    pub fn is_confed(self) -> bool {
        matches!(self, Self::ConfedSequence | Self::ConfedSet)
    }
}

/// A path of four-octet AS numbers, borrowed from canonical attribute bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsPath<'a> {
    octets: &'a [u8],
}

impl<'a> AsPath<'a> {
    /// `octets` is the value of a canonical AS_PATH; what is not well formed ends the path early.
    pub fn new(octets: &'a [u8]) -> Self {
        Self { octets }
    }

    pub fn octets(self) -> &'a [u8] {
        self.octets
    }

    pub fn is_empty(self) -> bool {
        self.octets.is_empty()
    }

    pub fn segments(self) -> Segments<'a> {
        Segments {
            rest: self.octets,
            width: Width::Four,
        }
    }

    /// Every AS number in the order of the wire, sets included.
    pub fn ases(self) -> impl Iterator<Item = Asn> + use<'a> {
        self.segments().flat_map(Segment::ases)
    }

    /// The length that the decision process compares: a set counts 1, confederation segments 0
    /// (RFC 4271 §9.1.2.2 a, RFC 5065 §5.3).
    pub fn length(self) -> u32 {
        self.segments().map(Segment::length).sum()
    }

    /// Leftmost AS of the first AS_SEQUENCE.
    pub fn neighbour_as(self) -> Option<Asn> {
        self.segments()
            .find(|segment| segment.kind == SegmentKind::Sequence)?
            .ases()
            .next()
    }

    /// The AS that originated the route: the last one, unless the path ends in a set.
    pub fn origin_as(self) -> Option<Asn> {
        let last = self.segments().last()?;
        match last.kind {
            SegmentKind::Sequence => last.ases().last(),
            SegmentKind::Set | SegmentKind::ConfedSequence | SegmentKind::ConfedSet => None,
        }
    }

    /// The path as another AS may see it (RFC 5065 §4).
    pub fn without_confed(self) -> AsPathBuilder {
        let mut kept = AsPathBuilder::new();
        kept.push_path(self, |kind| !kind.is_confed());
        kept
    }

    pub fn occurrences(self, asn: Asn) -> usize {
        self.ases().filter(|&each| each == asn).count()
    }
}

/// As operators write it: `65001 65002 {65003,65004}`, confederation segments in `(…)` and `[…]`.
impl fmt::Display for AsPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            let (open, separator, close) = match segment.kind {
                SegmentKind::Set => ("{", ",", "}"),
                SegmentKind::Sequence => ("", " ", ""),
                SegmentKind::ConfedSequence => ("(", " ", ")"),
                SegmentKind::ConfedSet => ("[", ",", "]"),
            };
            f.write_str(open)?;
            for (position, asn) in segment.ases().enumerate() {
                if position > 0 {
                    f.write_str(separator)?;
                }
                asn.fmt(f)?;
            }
            f.write_str(close)?;
        }
        Ok(())
    }
}

/// Octets per AS number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Two,
    Four,
}

impl Width {
    fn octets(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// One segment; `octets` holds whole AS numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    pub kind: SegmentKind,
    octets: &'a [u8],
    width: Width,
}

impl<'a> Segment<'a> {
    pub fn ases(self) -> impl ExactSizeIterator<Item = Asn> + use<'a> {
        self.octets.chunks_exact(self.width.octets()).map(|octets| {
            Asn(octets
                .iter()
                .fold(0, |asn, &octet| asn << 8 | u32::from(octet)))
        })
    }

    /// How many AS numbers there are.
    pub fn count(self) -> usize {
        self.octets.len() / self.width.octets()
    }

    fn length(self) -> u32 {
        match self.kind {
            SegmentKind::Sequence => u32::try_from(self.count()).unwrap_or(u32::MAX),
            SegmentKind::Set => 1,
            SegmentKind::ConfedSequence | SegmentKind::ConfedSet => 0,
        }
    }
}

/// Iterator over the well-formed segments.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    rest: &'a [u8],
    width: Width,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        let ([kind, count], rest) = self.rest.split_first_chunk()?;
        let length = usize::from(*count).checked_mul(self.width.octets())?;
        let (octets, rest) = rest.split_at_checked(length)?;
        let kind = SegmentKind::from_code(*kind)?;
        self.rest = rest;
        Some(Segment {
            kind,
            octets,
            width: self.width,
        })
    }
}

/// Value of an AS_PATH under construction, four octets wide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsPathBuilder {
    octets: SmallVec<[u8; 64]>,
    /// Where the last segment begins, if it can still grow.
    open: Option<usize>,
}

impl AsPathBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends to the last AS_SEQUENCE, or begins one.
    pub fn push(&mut self, asn: Asn) {
        self.push_to(SegmentKind::Sequence, asn);
    }

    /// Begins a segment of `kind` with all of `ases`.
    pub fn push_segment(&mut self, kind: SegmentKind, ases: impl IntoIterator<Item = Asn>) {
        self.open = None;
        for asn in ases {
            self.push_to(kind, asn);
        }
        if kind != SegmentKind::Sequence {
            self.open = None;
        }
    }

    /// Appends the segments that `keep` wants; a sequence that follows a sequence continues it.
    pub fn push_path(&mut self, path: AsPath<'_>, keep: impl Fn(SegmentKind) -> bool) {
        for segment in path.segments().filter(|segment| keep(segment.kind)) {
            if segment.kind == SegmentKind::Sequence {
                segment.ases().for_each(|asn| self.push(asn));
            } else {
                self.push_segment(segment.kind, segment.ases());
            }
        }
    }

    pub fn as_path(&self) -> AsPath<'_> {
        AsPath::new(&self.octets)
    }

    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    fn push_to(&mut self, kind: SegmentKind, asn: Asn) {
        let grown = self
            .open
            .and_then(|at| self.octets.get_mut(at..))
            .and_then(<[u8]>::first_chunk_mut)
            .is_some_and(|[open, count]: &mut [u8; 2]| match count.checked_add(1) {
                Some(more) if *open == kind.code() => {
                    *count = more;
                    true
                }
                _ => false,
            });
        if !grown {
            self.open = Some(self.octets.len());
            self.octets.extend_from_slice(&[kind.code(), 1]);
        }
        self.octets.extend_from_slice(&asn.0.to_be_bytes());
    }
}

/// What the wire form of a path contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) as_zero: bool,
    pub(super) set: bool,
    pub(super) confed: bool,
    /// Leftmost AS, if the path begins with an AS_SEQUENCE.
    pub(super) first: Option<Asn>,
}

/// Reads a path from the wire. `None`: a type other than 1 to 4, an empty segment, an overrun, or an octet
/// left over (RFC 7606 §7.2).
pub(super) fn inspect(octets: &[u8], width: Width) -> Option<Contents> {
    let mut contents = Contents::default();
    let mut segments = Segments {
        rest: octets,
        width,
    };
    let mut first = true;
    for segment in &mut segments {
        if segment.octets.is_empty() {
            return None;
        }
        if first && segment.kind == SegmentKind::Sequence {
            contents.first = segment.ases().next();
        }
        first = false;
        contents.set |= matches!(segment.kind, SegmentKind::Set | SegmentKind::ConfedSet);
        contents.confed |= segment.kind.is_confed();
        contents.as_zero |= segment.ases().any(|asn| asn == Asn(0));
    }
    segments.rest.is_empty().then_some(contents)
}

/// The four-octet path behind a two-octet AS_PATH and the AS4_PATH that came along (RFC 6793 §4.2.3): what
/// AS_PATH has in excess stands before AS4_PATH; an AS4_PATH that is longer is not believed.
pub(super) fn merge(as_path: &[u8], as4_path: Option<&[u8]>) -> AsPathBuilder {
    let narrow = || Segments {
        rest: as_path,
        width: Width::Two,
    };
    let mut merged = AsPathBuilder::new();
    let length: u32 = narrow().map(Segment::length).sum();
    let as4_path = as4_path.map(|octets| AsPath::new(octets).without_confed());
    let excess = as4_path
        .as_ref()
        .and_then(|wide| length.checked_sub(wide.as_path().length()));
    let (Some(as4_path), Some(mut excess)) = (as4_path, excess) else {
        narrow().for_each(|segment| merged.push_segment(segment.kind, segment.ases()));
        return merged;
    };
    for segment in narrow() {
        match segment.kind {
            SegmentKind::Sequence => {
                let taken = segment.length().min(excess);
                let leading = usize::try_from(taken).unwrap_or(usize::MAX);
                segment
                    .ases()
                    .take(leading)
                    .for_each(|asn| merged.push(asn));
                excess = excess.saturating_sub(taken);
            }
            SegmentKind::Set if excess > 0 => {
                merged.push_segment(segment.kind, segment.ases());
                excess = excess.saturating_sub(1);
            }
            SegmentKind::ConfedSequence | SegmentKind::ConfedSet if excess > 0 => {
                merged.push_segment(segment.kind, segment.ases());
            }
            SegmentKind::Set | SegmentKind::ConfedSequence | SegmentKind::ConfedSet => {}
        }
    }
    merged.push_path(as4_path.as_path(), |_| true);
    merged
}
