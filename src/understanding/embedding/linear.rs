//! A layer of weights in whole numbers. Inputs are rounded row by row to 0…255, weights column by
//! column to −63…63: two such products always fit 16 bits, where processors without newer
//! instructions would cut them off, so every machine gets the same sums.

use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::NdTensorView;

use crate::understanding::rows::largest;

/// Largest weight, in units of its column.
const WEIGHT_MAX: f32 = 63.0;
/// From a row's least to its largest input, in units; one is left for the rounding of the zero.
const INPUT_MAX: f32 = 254.0;
/// Inputs that share one unit; longer rows are cut, for few large ones would make it coarse.
const GROUP: usize = 384;

/// Multiplies matrices of whole numbers.
pub(super) type Products = GemmExecutor<u8, i8, i32>;

/// `out = in × weights + bias`.
pub(super) struct Linear {
    groups: Vec<Group>,
    bias: Vec<f32>,
    inputs: usize,
}

struct Group {
    packed: PackedBMatrix<i8>,
    /// What a unit of each column's weights is worth.
    steps: Vec<f32>,
    /// Of each column's weights, in units: what an input's zero adds. All sums are whole numbers
    /// below 2²⁴, which floats hold exactly.
    sums: Vec<f32>,
}

/// Room that is used again from layer to layer.
#[derive(Default)]
pub(super) struct Room {
    rounded: Vec<u8>,
    /// Which unit stands for 0, and what a unit is worth, in each row.
    scales: Vec<(f32, f32)>,
    sums: Vec<i32>,
}

impl Linear {
    /// From `outputs × inputs` weights, row by row, and a bias for each output.
    pub fn new(products: &Products, weights: &[f32], bias: Vec<f32>, inputs: usize) -> Self {
        let group = |from: usize| {
            let width = GROUP.min(inputs - from);
            let rows = weights.chunks_exact(inputs).map(|row| row.get(from..from + width));
            let rows: Vec<&[f32]> = rows.map(Option::unwrap_or_default).collect();
            let step = |row: &&[f32]| (largest(row) / WEIGHT_MAX).max(1e-12);
            let steps: Vec<f32> = rows.iter().map(step).collect();
            let units = rows.iter().zip(&steps).flat_map(|(row, step)| {
                row.iter().map(move |weight| (weight / step).round() as i8)
            });
            let units: Vec<i8> = units.collect();
            let sum = |row: &[i8]| row.iter().map(|unit| f32::from(*unit)).sum();
            let sums = units.chunks_exact(width).map(sum).collect();
            let view = NdTensorView::from_data([rows.len(), width], units.as_slice());
            Group { packed: products.prepack_b(view.transposed()), steps, sums }
        };
        let groups = (0..inputs).step_by(GROUP).map(group).collect();
        Self { groups, bias, inputs }
    }

    /// `rows × inputs` numbers to `rows × outputs` in `out`.
    pub fn apply(&self, products: &Products, input: &[f32], out: &mut Vec<f32>, room: &mut Room) {
        let rows = input.len() / self.inputs;
        out.clear();
        if rows == 0 {
            return;
        }
        (0..rows).for_each(|_| out.extend_from_slice(&self.bias));
        for (number, group) in self.groups.iter().enumerate() {
            let width = GROUP.min(self.inputs - number * GROUP);
            room.round(input, self.inputs, number * GROUP, width);
            room.sums.clear();
            room.sums.resize(rows * self.bias.len(), 0);
            let units = NdTensorView::from_data([rows, width], room.rounded.as_slice());
            let (a, b) = (GemmInputA::Unpacked(units), GemmInputB::Packed(&group.packed));
            // The zeros are taken off below: rten-gemm 0.27, given one for each row, mixes up those
            // of rows beyond its first tile.
            let done = products.gemm(&mut room.sums, a, b, GemmOptions::default());
            debug_assert!(done.is_ok(), "the shapes were checked when the weights were read");
            let lines = out.chunks_exact_mut(self.bias.len());
            let sums = room.sums.chunks_exact(self.bias.len());
            for ((line, sums), (zero, step)) in lines.zip(sums).zip(&room.scales) {
                let columns = group.steps.iter().zip(&group.sums);
                for ((place, sum), (weight_step, weights)) in line.iter_mut().zip(sums).zip(columns)
                {
                    *place += (*sum as f32 - zero * weights) * (step * weight_step);
                }
            }
        }
    }
}

/// Least and largest of 0 and `row`: eight at a time, as a processor compares them.
fn range(row: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = ([0.0_f32; 8], [0.0_f32; 8]);
    let (chunks, rest) = row.as_chunks::<8>();
    for chunk in chunks {
        for ((low, high), one) in low.iter_mut().zip(&mut high).zip(chunk) {
            *low = if *one < *low { *one } else { *low };
            *high = if *one > *high { *one } else { *high };
        }
    }
    let all = || low.iter().chain(&high).chain(rest);
    (all().fold(0.0, |least, one| one.min(least)), all().fold(0.0, |most, one| one.max(most)))
}

impl Room {
    /// Rounds `width` numbers from `from` on of each row of `inputs`.
    fn round(&mut self, input: &[f32], inputs: usize, from: usize, width: usize) {
        self.rounded.clear();
        self.scales.clear();
        for row in input.chunks_exact(inputs) {
            let row = row.get(from..from + width).unwrap_or_default();
            let (low, high) = range(row);
            let step = ((high - low) / INPUT_MAX).max(1e-12);
            let zero = (-low / step).ceil();
            let inverse = 1.0 / step;
            // Above 2²³ a float's last bits are its whole number, which saves the rounding.
            let shift = zero + 8_388_608.0;
            self.rounded.extend(row.iter().map(|one| (one * inverse + shift).to_bits() as u8));
            self.scales.push((zero, step));
        }
    }
}
