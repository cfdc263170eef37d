//! BERT's encoder (Devlin et al. 2018): embeddings, then layers of attention and of two matrices
//! around a GELU, each with its residual and layer norm; the mean over the tokens at last.

use super::linear::{Linear, Products, Room};
use super::tensors::Tensors;
use super::{EmbedFault, TOKENS_MAX};
use crate::understanding::rows::{dot, largest, sum};

/// Numbers of one token.
pub(super) const WIDTH: usize = 384;
const LAYERS: usize = 6;
const HEADS: usize = 12;
const HEAD: usize = WIDTH / HEADS;
/// Numbers between the two matrices of a layer.
const INNER: usize = 1_536;
/// Places that the model was trained with.
const PLACES: usize = 512;
const EPSILON: f32 = 1e-12;

pub(super) struct Encoder {
    /// `piece × WIDTH`, rounded: a third of the model's memory otherwise.
    pieces: Vec<i8>,
    piece_steps: Vec<f32>,
    /// Of each place, with that of the first sort of text added.
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    gelu: Gelu,
}

struct Layer {
    /// Query, key and value side by side.
    look: Linear,
    attended: Linear,
    attended_norm: Norm,
    widen: Linear,
    narrow: Linear,
    norm: Norm,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Encoder {
    pub fn new(tensors: &Tensors<'_>, pieces: usize) -> Result<Self, EmbedFault> {
        let products = Products::new();
        let table = tensors.take("embeddings.word_embeddings.weight", &[pieces, WIDTH])?;
        let mut units = Vec::with_capacity(table.len());
        let mut piece_steps = Vec::with_capacity(pieces);
        for row in table.chunks_exact(WIDTH) {
            let step = (largest(row) / 127.0).max(1e-12);
            units.extend(row.iter().map(|one| (one / step).round() as i8));
            piece_steps.push(step);
        }
        let kinds = tensors.take("embeddings.token_type_embeddings.weight", &[2, WIDTH])?;
        let mut places = tensors.take("embeddings.position_embeddings.weight", &[PLACES, WIDTH])?;
        places.truncate(TOKENS_MAX * WIDTH);
        for row in places.chunks_exact_mut(WIDTH) {
            row.iter_mut().zip(&kinds).for_each(|(place, kind)| *place += kind);
        }
        let norm = Norm::new(tensors, "embeddings.LayerNorm")?;
        let layer = |number: usize| Layer::new(&products, tensors, number);
        let layers = (0..LAYERS).map(layer).collect::<Result<Vec<_>, _>>()?;
        let gelu = Gelu::new();
        Ok(Self { pieces: units, piece_steps, places, norm, layers, gelu })
    }

    /// A vector of length one for each list of pieces.
    pub fn encode(&self, texts: &[Vec<u32>]) -> Vec<Vec<f32>> {
        let mut state: Vec<f32> = Vec::new();
        for text in texts {
            for (piece, place) in text.iter().zip(self.places.chunks_exact(WIDTH)) {
                let start = *piece as usize * WIDTH;
                let units = self.pieces.get(start..start + WIDTH).unwrap_or_default();
                let step = self.piece_steps.get(*piece as usize).copied().unwrap_or_default();
                state.extend(units.iter().zip(place).map(|(u, p)| f32::from(*u) * step + p));
            }
        }
        self.norm.apply(&mut state);
        let lengths: Vec<usize> = texts.iter().map(|text| text.len().min(TOKENS_MAX)).collect();
        let products = Products::new();
        let mut room = Room::default();
        let (mut wide, mut mixed) = (Vec::new(), Vec::new());
        for layer in &self.layers {
            layer.look.apply(&products, &state, &mut wide, &mut room);
            let seen = attend(&wide, &lengths);
            layer.attended.apply(&products, &seen, &mut mixed, &mut room);
            add(&mut state, &mixed);
            layer.attended_norm.apply(&mut state);
            layer.widen.apply(&products, &state, &mut wide, &mut room);
            wide.iter_mut().for_each(|number| *number = self.gelu.of(*number));
            layer.narrow.apply(&products, &wide, &mut mixed, &mut room);
            add(&mut state, &mixed);
            layer.norm.apply(&mut state);
        }
        let mut rest = state.as_slice();
        lengths
            .iter()
            .map(|length| {
                let (text, after) = rest.split_at_checked(length * WIDTH).unwrap_or_default();
                rest = after;
                mean(text)
            })
            .collect()
    }
}

fn add(state: &mut [f32], more: &[f32]) {
    state.iter_mut().zip(more).for_each(|(place, one)| *place += one);
}

/// The mean of rows, brought to length one.
fn mean(rows: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0_f32; WIDTH];
    rows.chunks_exact(WIDTH).for_each(|row| add(&mut out, row));
    let length = out.iter().map(|one| one * one).sum::<f32>().sqrt().max(1e-12);
    out.iter_mut().for_each(|one| *one /= length);
    out
}

/// What each token takes from the others of its text: `rows × WIDTH` from query, key and value.
fn attend(look: &[f32], lengths: &[usize]) -> Vec<f32> {
    let mut out = Vec::with_capacity(look.len() / 3);
    let mut shares: Vec<f32> = Vec::new();
    let mut rest = look;
    for length in lengths {
        let (text, after) = rest.split_at_checked(length * WIDTH * 3).unwrap_or_default();
        rest = after;
        let part = |row: usize, third: usize, head: usize| {
            let start = (row * 3 + third) * WIDTH + head * HEAD;
            text.get(start..start + HEAD).unwrap_or_default()
        };
        for row in 0..*length {
            for head in 0..HEADS {
                let query = part(row, 0, head);
                shares.clear();
                shares.extend((0..*length).map(|other| dot(query, part(other, 1, head))));
                softmax(&mut shares);
                let start = out.len();
                out.resize(start + HEAD, 0.0);
                let place = out.get_mut(start..).unwrap_or_default();
                for (other, share) in shares.iter().enumerate() {
                    let value = part(other, 2, head);
                    place.iter_mut().zip(value).for_each(|(sum, one)| *sum += share * one);
                }
            }
        }
    }
    out
}

fn softmax(shares: &mut [f32]) {
    let scale = 1.0 / (HEAD as f32).sqrt();
    let most = shares.iter().fold(f32::MIN, |most, one| most.max(*one));
    shares.iter_mut().for_each(|one| *one = ((*one - most) * scale).exp());
    let sum: f32 = shares.iter().sum::<f32>().max(1e-12);
    shares.iter_mut().for_each(|one| *one /= sum);
}

impl Layer {
    fn new(products: &Products, tensors: &Tensors<'_>, number: usize) -> Result<Self, EmbedFault> {
        let root = format!("encoder.layer.{number}");
        let pair = |name: &str, outputs: usize, inputs: usize| {
            let weights = tensors.take(&format!("{root}.{name}.weight"), &[outputs, inputs])?;
            let bias = tensors.take(&format!("{root}.{name}.bias"), &[outputs])?;
            Ok::<_, EmbedFault>((weights, bias))
        };
        let linear = |name: &str, outputs: usize, inputs: usize| {
            let (weights, bias) = pair(name, outputs, inputs)?;
            Ok::<_, EmbedFault>(Linear::new(products, &weights, bias, inputs))
        };
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in ["query", "key", "value"] {
            let one = pair(&format!("attention.self.{name}"), WIDTH, WIDTH)?;
            weights.extend(one.0);
            bias.extend(one.1);
        }
        Ok(Self {
            look: Linear::new(products, &weights, bias, WIDTH),
            attended: linear("attention.output.dense", WIDTH, WIDTH)?,
            attended_norm: Norm::new(tensors, &format!("{root}.attention.output.LayerNorm"))?,
            widen: linear("intermediate.dense", INNER, WIDTH)?,
            narrow: linear("output.dense", WIDTH, INNER)?,
            norm: Norm::new(tensors, &format!("{root}.output.LayerNorm"))?,
        })
    }
}

impl Norm {
    fn new(tensors: &Tensors<'_>, name: &str) -> Result<Self, EmbedFault> {
        Ok(Self {
            weight: tensors.take(&format!("{name}.weight"), &[WIDTH])?,
            bias: tensors.take(&format!("{name}.bias"), &[WIDTH])?,
        })
    }

    /// Each row to mean 0 and variance 1, then by weight and bias.
    fn apply(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(WIDTH) {
            let mean = sum(row) / WIDTH as f32;
            row.iter_mut().for_each(|one| *one -= mean);
            let scale = 1.0 / (dot(row, row) / WIDTH as f32 + EPSILON).sqrt();
            let shaped = row.iter_mut().zip(self.weight.iter().zip(&self.bias));
            shaped.for_each(|(one, (weight, bias))| *one = *one * scale * weight + bias);
        }
    }
}

/// The GELU, x·Φ(x), from a table: between two of its points the line is off by less than 1e-5.
struct Gelu {
    table: Vec<f32>,
}

impl Gelu {
    /// Beyond this it is 0 or x.
    const REACH: f32 = 6.0;
    const STEPS: f32 = 256.0;

    fn new() -> Self {
        let points = (2.0 * Self::REACH * Self::STEPS) as i32 + 2;
        let at = |point: i32| f64::from(point) / f64::from(Self::STEPS) - f64::from(Self::REACH);
        Self { table: (0..points).map(|point| (at(point) * phi(at(point))) as f32).collect() }
    }

    fn of(&self, x: f32) -> f32 {
        if x >= Self::REACH {
            return x;
        }
        let place = (x + Self::REACH).max(0.0) * Self::STEPS;
        let point = place as usize;
        match (self.table.get(point), self.table.get(point + 1)) {
            (Some(low), Some(high)) => low + (high - low) * (place - point as f32),
            _ => 0.0,
        }
    }
}

/// The normal distribution's share below `x`: its series (Abramowitz and Stegun 26.2.10).
fn phi(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / (2.0 * n);
        sum += term / (2.0 * n + 1.0);
    }
    (0.5 + sum / (2.0 * std::f64::consts::PI).sqrt()).clamp(0.0, 1.0)
}
