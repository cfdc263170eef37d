//! The safetensors format: a length (u64, little endian), a JSON header of that length with name,
//! type, shape and place of each tensor, then the numbers.

use std::collections::HashMap;

use serde_json::Value;

use super::EmbedFault;

/// Longest header, bytes; this model's has 11 kB.
const HEADER_BYTES_MAX: usize = 1 << 20;
/// Numbers of one tensor.
const NUMBERS_MAX: usize = 1 << 26;

/// The tensors of a file, by name; numbers of 32 bits only.
pub(super) struct Tensors<'b> {
    places: HashMap<String, (Vec<usize>, &'b [u8])>,
}

fn bad(what: impl Into<String>) -> EmbedFault {
    EmbedFault::Tensors(what.into())
}

impl<'b> Tensors<'b> {
    pub fn read(bytes: &'b [u8]) -> Result<Self, EmbedFault> {
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| bad("cut short"))?;
        let length = u64::from_le_bytes(*length);
        let length = usize::try_from(length).ok().filter(|length| *length <= HEADER_BYTES_MAX);
        let length = length.ok_or_else(|| bad("a header longer than 1 MiB"))?;
        let (header, body) = rest.split_at_checked(length).ok_or_else(|| bad("cut short"))?;
        let header: HashMap<String, Value> =
            serde_json::from_slice(header).map_err(|error| bad(format!("header: {error}")))?;
        let mut places = HashMap::new();
        for (name, entry) in header {
            if entry.get("dtype").and_then(Value::as_str) != Some("F32") {
                continue;
            }
            let numbers = |key: &str| -> Option<Vec<usize>> {
                let list = entry.get(key)?.as_array()?.iter();
                list.map(|one| one.as_u64().and_then(|one| usize::try_from(one).ok())).collect()
            };
            let shape = numbers("shape").ok_or_else(|| bad(format!("{name} has no shape")))?;
            let place = numbers("data_offsets").unwrap_or_default();
            let &[from, to] = place.as_slice() else {
                return Err(bad(format!("{name} has no place")));
            };
            let raw = body.get(from..to).ok_or_else(|| bad(format!("{name} is cut off")))?;
            places.insert(name, (shape, raw));
        }
        Ok(Self { places })
    }

    /// The numbers of `name`, which must have exactly this shape.
    pub fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EmbedFault> {
        let fault = |what: String| EmbedFault::Shape(format!("{name} {what}"));
        let (found, raw) = self.places.get(name).ok_or_else(|| fault("is missing".into()))?;
        if found != shape {
            return Err(fault(format!("has the shape {found:?}, expected {shape:?}")));
        }
        let count = shape.iter().try_fold(1_usize, |all, one| all.checked_mul(*one));
        let count = count.filter(|count| *count <= NUMBERS_MAX);
        let (chunks, rest) = raw.as_chunks::<4>();
        if count != Some(chunks.len()) || !rest.is_empty() {
            return Err(fault(format!("has {} bytes", raw.len())));
        }
        let numbers: Vec<f32> = chunks.iter().copied().map(f32::from_le_bytes).collect();
        match numbers.iter().all(|number| number.is_finite()) {
            true => Ok(numbers),
            false => Err(fault("holds a number that is none".into())),
        }
    }
}
