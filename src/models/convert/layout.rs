//! CTranslate2's names and stacked matrices → the tensors that whisper.cpp reads, in its order.

use std::collections::HashMap;

use super::{ConvertError, Variable, bad};

/// One tensor as it is written.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub name: String,
    pub dims: Vec<usize>,
    pub values: Vec<f32>,
}

impl Tensor {
    /// Small matrices that whisper.cpp wants in 32 bits.
    pub fn is_kept_exact(&self) -> bool {
        matches!(
            self.name.as_str(),
            "encoder.conv1.bias"
                | "encoder.conv2.bias"
                | "encoder.positional_embedding"
                | "decoder.positional_embedding"
        )
    }
}

struct Collector<'v> {
    variables: &'v HashMap<String, Variable>,
    out: Vec<Tensor>,
}

/// All tensors, in the checkpoint's order of blocks.
pub fn tensors(variables: &HashMap<String, Variable>) -> Result<Vec<Tensor>, ConvertError> {
    let mut collector = Collector { variables, out: Vec::new() };
    for side in ["decoder", "encoder"] {
        let positions = format!("{side}/position_encodings/encodings");
        collector.copy(format!("{side}.positional_embedding"), &positions)?;
    }
    collector.copy("decoder.token_embedding.weight".into(), "decoder/embeddings/weight")?;
    for side in ["decoder", "encoder"] {
        collector.side(side)?;
    }
    Ok(collector.out)
}

impl Collector<'_> {
    fn variable(&self, name: &str) -> Result<&Variable, ConvertError> {
        self.variables.get(name).ok_or_else(|| bad(format!("no {name}")))
    }

    fn copy(&mut self, name: String, from: &str) -> Result<(), ConvertError> {
        let Variable { dims, values } = self.variable(from)?.clone();
        self.out.push(Tensor { name, dims, values });
        Ok(())
    }

    fn linear(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        self.copy(format!("{to}.weight"), &format!("{from}/weight"))?;
        self.copy(format!("{to}.bias"), &format!("{from}/bias"))
    }

    fn norm(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        self.copy(format!("{to}.weight"), &format!("{from}/gamma"))?;
        self.copy(format!("{to}.bias"), &format!("{from}/beta"))
    }

    /// Cuts a stacked matrix into its parts; a key has no bias.
    fn split(&mut self, to: &str, from: &str, parts: &[&str]) -> Result<(), ConvertError> {
        let weight = self.variable(&format!("{from}/weight"))?.clone();
        let bias = self.variable(&format!("{from}/bias"))?.clone();
        let width = weight.dims.get(1).copied().unwrap_or(0);
        for (index, part) in parts.iter().enumerate() {
            let rows = weight.values.get(index * width * width..(index + 1) * width * width);
            let values = rows.ok_or_else(|| bad(format!("{from} is too small")))?.to_vec();
            let name = format!("{to}.{part}.weight");
            self.out.push(Tensor { name, dims: vec![width, width], values });
            if *part != "key" {
                let part_bias = bias.values.get(index * width..(index + 1) * width);
                let values = part_bias.ok_or_else(|| bad(format!("{from} is too small")))?.to_vec();
                let name = format!("{to}.{part}.bias");
                self.out.push(Tensor { name, dims: vec![width], values });
            }
        }
        Ok(())
    }

    fn side(&mut self, side: &str) -> Result<(), ConvertError> {
        if side == "encoder" {
            for conv in ["conv1", "conv2"] {
                self.linear(&format!("encoder.{conv}"), &format!("encoder/{conv}"))?;
                // whisper.cpp adds it to a matrix: one column.
                if let Some(bias) = self.out.last_mut() {
                    bias.dims = vec![bias.values.len(), 1];
                }
            }
        }
        let mut layer = 0;
        while self.variables.contains_key(&format!("{side}/layer_{layer}/ffn/linear_0/weight")) {
            self.block(side, layer)?;
            layer += 1;
        }
        let norm = if side == "decoder" { "decoder.ln" } else { "encoder.ln_post" };
        self.norm(norm, &format!("{side}/layer_norm"))
    }

    fn block(&mut self, side: &str, layer: usize) -> Result<(), ConvertError> {
        let (to, from) = (format!("{side}.blocks.{layer}"), format!("{side}/layer_{layer}"));
        self.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))?;
        self.linear(&format!("{to}.mlp.0"), &format!("{from}/ffn/linear_0"))?;
        self.linear(&format!("{to}.mlp.2"), &format!("{from}/ffn/linear_1"))?;
        self.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
        let own = format!("{from}/self_attention/linear_0");
        self.split(&format!("{to}.attn"), &own, &["query", "key", "value"])?;
        self.linear(&format!("{to}.attn.out"), &format!("{from}/self_attention/linear_1"))?;
        if side == "decoder" {
            self.norm(&format!("{to}.cross_attn_ln"), &format!("{from}/attention/layer_norm"))?;
            self.linear(&format!("{to}.cross_attn.query"), &format!("{from}/attention/linear_0"))?;
            let cross = format!("{from}/attention/linear_1");
            self.split(&format!("{to}.cross_attn"), &cross, &["key", "value"])?;
            self.linear(&format!("{to}.cross_attn.out"), &format!("{from}/attention/linear_2"))?;
        }
        Ok(())
    }
}

/// A token's bytes: GPT-2 writes the unprintable ones as letters from U+0100 on.
pub fn token_bytes(token: &str) -> Result<Vec<u8>, ConvertError> {
    token
        .chars()
        .map(|symbol| {
            let code = symbol as u32;
            match code {
                33..=126 | 161..=172 | 174..=255 => Some(code as u8),
                256..=323 => shifted(code - 256),
                _ => None,
            }
            .ok_or_else(|| bad(format!("a token with {symbol:?}")))
        })
        .collect()
}

/// The `index`-th byte that is not printable by itself.
fn shifted(index: u32) -> Option<u8> {
    let printable = |byte: &u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    (0..=255u8).filter(|byte| !printable(byte)).nth(index as usize)
}
