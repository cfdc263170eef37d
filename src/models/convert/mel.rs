//! Whisper's mel filters: 80 triangles on Slaney's scale over the bins of a 400-point spectrum at
//! 16 kHz, each of unit area.

pub const BANDS: usize = 80;
pub const BINS: usize = 201;

/// Band by band, [BANDS × BINS].
pub fn filters() -> Vec<f32> {
    let top = to_mel(8_000.0);
    let edges: Vec<f64> =
        (0..BANDS + 2).map(|n| to_hz(top * n as f64 / (BANDS + 1) as f64)).collect();
    let mut out = Vec::with_capacity(BANDS * BINS);
    for edge in edges.windows(3) {
        let [low, middle, high] = edge else { continue };
        for bin in 0..BINS {
            let hz = 8_000.0 * bin as f64 / (BINS - 1) as f64;
            // Written as the reference does: its first weight is a negative zero, and the bytes
            // are compared.
            let rising = -(low - hz) / (middle - low);
            let falling = (high - hz) / (high - middle);
            let height = rising.min(falling);
            let height = if height < 0.0 { 0.0 } else { height };
            let weight = height * (2.0 / (high - low));
            out.push(weight as f32);
        }
    }
    out
}

fn to_mel(hz: f64) -> f64 {
    if hz < 1_000.0 { hz * 3.0 / 200.0 } else { 15.0 + (hz / 1_000.0).ln() * 27.0 / 6.4f64.ln() }
}

fn to_hz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1_000.0 * (6.4f64.ln() * (mel - 15.0) / 27.0).exp() }
}
