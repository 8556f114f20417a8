//! The record of one path: 16 bytes. The paths of a prefix form a list.

use super::arena::Handle;
use super::attributes::AttributesId;
use super::peers::Epoch;
use super::route::{PeerId, Rejection};
use crate::bgp::types::PathId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) attributes: AttributesId,
    /// The next path of the same prefix.
    pub(super) next: Option<Handle>,
    pub(super) path_id: PathId,
    pub(super) peer: PeerId,
    pub(super) epoch: Epoch,
    rejection: u8,
}

const _: () = assert!(size_of::<Path>() == 16);

impl Path {
    pub(super) fn new(
        peer: PeerId,
        path_id: PathId,
        epoch: Epoch,
        attributes: AttributesId,
    ) -> Self {
        Self {
            attributes,
            next: None,
            path_id,
            peer,
            epoch,
            rejection: 0,
        }
    }

    pub(super) fn rejected(self, rejection: Option<Rejection>) -> Self {
        let rejection = rejection.map_or(0, |rejection| rejection as u8);
        Self { rejection, ..self }
    }

    pub(super) fn with(self, attributes: AttributesId) -> Self {
        Self { attributes, ..self }
    }

    /// The same path in front of others of its prefix.
    pub(super) fn before(self, next: Option<Handle>) -> Self {
        Self { next, ..self }
    }

    pub(super) fn rejection(&self) -> Option<Rejection> {
        Rejection::from_code(self.rejection)
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.rejection == 0
    }

    pub(super) fn is_from(&self, peer: PeerId, path_id: PathId) -> bool {
        self.peer == peer && self.path_id == path_id
    }
}
