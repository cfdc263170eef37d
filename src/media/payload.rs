//! The payload of one frame of 20 ms, of any codec: 160 bytes in G.711 and G.722, as many as it
//! took in Opus.

use super::limits::{FRAME_BYTES, FRAME_BYTES_MAX};

/// Bytes of one frame, without an allocation.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    bytes: [u8; FRAME_BYTES_MAX],
    length: usize,
}

impl Default for Payload {
    fn default() -> Self {
        Self { bytes: [0; FRAME_BYTES_MAX], length: FRAME_BYTES }
    }
}

impl Payload {
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Takes a copy; `false`, and nothing changed, if it is longer than 480 bytes.
    pub fn set(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.bytes.get_mut(..bytes.len()) else { return false };
        room.copy_from_slice(bytes);
        self.length = bytes.len();
        true
    }

    /// Room for exactly `length` bytes (480 at most), to be written.
    pub fn whole_mut(&mut self, length: usize) -> &mut [u8] {
        self.length = length.min(FRAME_BYTES_MAX);
        &mut self.bytes[..self.length]
    }

    /// Lets `write` fill the room and say how many bytes it used.
    pub fn fill_with(&mut self, write: impl FnOnce(&mut [u8]) -> usize) {
        self.length = write(&mut self.bytes).min(FRAME_BYTES_MAX);
    }
}
