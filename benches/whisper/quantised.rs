//! The same weights in other number formats, made from the q8_0 file that is installed: what
//! fewer bits (or more) cost in time and in errors. Formats as in ggml's reference quantisation.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use half::f16;

/// Numbers in a block of q8_0, q5_0 and q4_0.
const BLOCK: usize = 32;
const Q8_0: u32 = 8;

/// A format: its name, its number for a tensor, and its number for a file.
#[derive(Clone, Copy)]
pub struct Format {
    pub name: &'static str,
    tensor: u32,
    file: u32,
}

/// The formats tried besides q8_0.
pub const FORMATS: [Format; 3] = [
    Format { name: "f16", tensor: 1, file: 1 },
    Format { name: "q5_0", tensor: 6, file: 8 },
    Format { name: "q4_0", tensor: 2, file: 2 },
];

/// Writes the model at `from` in `format` beside the build; gives the new file's path.
pub fn write(from: &Path, format: Format) -> io::Result<PathBuf> {
    let bytes = fs::read(from)?;
    let mut reader = Reader { bytes: &bytes, at: 0 };
    let mut out = Vec::with_capacity(bytes.len() * 2);
    // The magic, ten sizes, then the format; then the filters and the words.
    out.extend(reader.take(44)?);
    reader.take(4)?;
    out.extend(format.file.to_le_bytes());
    let (bands, bins) = (reader.number()?, reader.number()?);
    out.extend(bands.to_le_bytes());
    out.extend(bins.to_le_bytes());
    out.extend(reader.take(bands as usize * bins as usize * 4)?);
    let words = reader.number()?;
    out.extend(words.to_le_bytes());
    for _ in 0..words {
        let length = reader.number()?;
        out.extend(length.to_le_bytes());
        out.extend(reader.take(length as usize)?);
    }
    while reader.at < bytes.len() {
        tensor(&mut reader, format, &mut out)?;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench").join(format!(
        "{}-{}.bin",
        from.file_stem().unwrap_or_default().to_string_lossy(),
        format.name
    ));
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    fs::write(&file, out)?;
    Ok(file)
}

fn tensor(reader: &mut Reader<'_>, format: Format, out: &mut Vec<u8>) -> io::Result<()> {
    let (rank, name_bytes, kind) = (reader.number()?, reader.number()?, reader.number()?);
    let dims: Vec<u32> = (0..rank).map(|_| reader.number()).collect::<io::Result<_>>()?;
    let count: usize = dims.iter().map(|dim| *dim as usize).product();
    let name = reader.take(name_bytes as usize)?;
    let to = if kind == Q8_0 { format.tensor } else { kind };
    for number in [rank, name_bytes, to].iter().chain(&dims) {
        out.extend(number.to_le_bytes());
    }
    out.extend(name);
    match kind {
        0 => out.extend(reader.take(count * 4)?),
        1 => out.extend(reader.take(count * 2)?),
        Q8_0 => {
            for block in reader.take(count / BLOCK * (BLOCK + 2))?.chunks_exact(BLOCK + 2) {
                put(format, &numbers(block), out);
            }
        }
        other => return Err(io::Error::other(format!("weights of type {other}"))),
    }
    Ok(())
}

/// The numbers of a block of q8_0.
fn numbers(block: &[u8]) -> [f32; BLOCK] {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
    std::array::from_fn(|at| f32::from(block[at + 2] as i8) * scale)
}

fn put(format: Format, values: &[f32; BLOCK], out: &mut Vec<u8>) {
    if format.name == "f16" {
        return out.extend(values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()));
    }
    // The largest in size sits at the lower end of the range, whatever its sign.
    let largest = values.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
    let half = if format.name == "q5_0" { 16.0 } else { 8.0 };
    let scale = -largest / half;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let steps =
        values.map(|value| (value * inverse + half + 0.5).clamp(0.0, 2.0 * half - 1.0) as u8);
    out.extend(f16::from_f32(scale).to_le_bytes());
    let (low, high) = steps.split_at(BLOCK / 2);
    if format.name == "q5_0" {
        let fifth = steps
            .iter()
            .enumerate()
            .fold(0_u32, |bits, (at, step)| bits | (u32::from(step >> 4) & 1) << at);
        out.extend(fifth.to_le_bytes());
    }
    out.extend(low.iter().zip(high).map(|(low, high)| (low & 0xf) | ((high & 0xf) << 4)));
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at + count).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.at += count;
        Ok(taken)
    }

    fn number(&mut self) -> io::Result<u32> {
        let four = self.take(4)?;
        Ok(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
    }
}
