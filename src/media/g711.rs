//! G.711: µ-law and A-law (ITU-T G.711 tables 1 and 2), by tables made at compile time.
//! In: 16-bit samples or code words. Out: the other.

/// µ-law code word of silence.
pub const ULAW_SILENCE: u8 = 0xff;
/// A-law code word of silence.
pub const ALAW_SILENCE: u8 = 0xd5;

const ULAW_BIAS: i32 = 0x84;
const ULAW_CLIP: i32 = 32_635;

static ULAW_TO_LINEAR: [i16; 256] = ulaw_decode_table();
static ALAW_TO_LINEAR: [i16; 256] = alaw_decode_table();
/// Indexed by the upper 14 bits of the sample, offset to be positive.
static LINEAR_TO_ULAW: [u8; 16_384] = ulaw_encode_table();
/// Indexed by the upper 13 bits of the sample, offset to be positive.
static LINEAR_TO_ALAW: [u8; 8_192] = alaw_encode_table();
/// One law straight to the other, without a sample in between.
static ULAW_TO_ALAW: [u8; 256] = ulaw_to_alaw_table();
static ALAW_TO_ULAW: [u8; 256] = alaw_to_ulaw_table();

/// The sample of a µ-law code word.
#[inline]
pub fn ulaw_decode(code: u8) -> i16 {
    ULAW_TO_LINEAR[code as usize]
}

/// The sample of an A-law code word.
#[inline]
pub fn alaw_decode(code: u8) -> i16 {
    ALAW_TO_LINEAR[code as usize]
}

/// The µ-law code word nearest to a sample.
#[inline]
pub fn ulaw_encode(sample: i16) -> u8 {
    LINEAR_TO_ULAW[((sample as i32 + 32_768) >> 2) as usize & 0x3fff]
}

/// The A-law code word nearest to a sample.
#[inline]
pub fn alaw_encode(sample: i16) -> u8 {
    LINEAR_TO_ALAW[((sample as i32 + 32_768) >> 3) as usize & 0x1fff]
}

/// Transcodes a µ-law code word into A-law.
#[inline]
pub fn ulaw_to_alaw(code: u8) -> u8 {
    ULAW_TO_ALAW[code as usize]
}

/// Transcodes an A-law code word into µ-law.
#[inline]
pub fn alaw_to_ulaw(code: u8) -> u8 {
    ALAW_TO_ULAW[code as usize]
}

const fn ulaw_expand(code: u8) -> i16 {
    let inverted = !code;
    let exponent = (inverted >> 4) & 7;
    let mantissa = (inverted & 15) as i32;
    let magnitude = (((mantissa << 3) + ULAW_BIAS) << exponent) - ULAW_BIAS;
    if inverted & 0x80 != 0 { -magnitude as i16 } else { magnitude as i16 }
}

const fn ulaw_compress(sample: i32) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let mut magnitude = if sample < 0 { -sample } else { sample };
    if magnitude > ULAW_CLIP {
        magnitude = ULAW_CLIP;
    }
    magnitude += ULAW_BIAS;
    let mut exponent = 7;
    while exponent > 0 && magnitude & (0x80 << exponent) == 0 {
        exponent -= 1;
    }
    let mantissa = (magnitude >> (exponent + 3)) & 15;
    !(sign | ((exponent as u8) << 4) | mantissa as u8)
}

const fn alaw_expand(code: u8) -> i16 {
    let toggled = code ^ 0x55;
    let exponent = (toggled >> 4) & 7;
    let mantissa = (toggled & 15) as i32;
    let magnitude = if exponent == 0 {
        (mantissa << 4) + 8
    } else {
        ((mantissa << 4) + 0x108) << (exponent - 1)
    };
    if toggled & 0x80 != 0 { magnitude as i16 } else { -magnitude as i16 }
}

const fn alaw_compress(sample: i32) -> u8 {
    let sign = if sample >= 0 { 0x80 } else { 0 };
    let magnitude = if sample < 0 { -sample - 1 } else { sample };
    let magnitude = if magnitude > 32_767 { 32_767 } else { magnitude };
    let code = if magnitude < 256 {
        (magnitude >> 4) as u8
    } else {
        let mut exponent = 7;
        while exponent > 1 && magnitude & (0x80 << exponent) == 0 {
            exponent -= 1;
        }
        ((exponent as u8) << 4) | ((magnitude >> (exponent + 3)) & 15) as u8
    };
    (code | sign) ^ 0x55
}

const fn ulaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ulaw_expand(code as u8);
        code += 1;
    }
    table
}

const fn alaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = alaw_expand(code as u8);
        code += 1;
    }
    table
}

const fn ulaw_encode_table() -> [u8; 16_384] {
    let mut table = [0; 16_384];
    let mut index = 0;
    while index < 16_384 {
        // The middle of the four samples that share this entry; zero stays zero.
        let sample = ((index as i32) << 2) - 32_768;
        table[index] = ulaw_compress(if sample < 0 { sample + 3 } else { sample });
        index += 1;
    }
    table
}

const fn alaw_encode_table() -> [u8; 8_192] {
    let mut table = [0; 8_192];
    let mut index = 0;
    while index < 8_192 {
        table[index] = alaw_compress(((index as i32) << 3) - 32_768);
        index += 1;
    }
    table
}

const fn ulaw_to_alaw_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = alaw_compress(ulaw_expand(code as u8) as i32);
        code += 1;
    }
    table
}

const fn alaw_to_ulaw_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ulaw_compress(alaw_expand(code as u8) as i32);
        code += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_code_words() {
        // ITU-T G.711: the ends, the smallest steps and silence.
        for (code, sample) in [(0xffu8, 0i16), (0x7f, 0), (0x80, 32_124), (0x00, -32_124)] {
            assert_eq!(ulaw_decode(code), sample, "µ-law {code:#x}");
        }
        for (code, sample) in [(0xd5u8, 8i16), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256)] {
            assert_eq!(alaw_decode(code), sample, "A-law {code:#x}");
        }
        assert_eq!((ulaw_encode(0), alaw_encode(0)), (ULAW_SILENCE, ALAW_SILENCE));
    }

    #[test]
    fn every_code_word_survives_the_way_through_a_sample() {
        for code in 0..=255u8 {
            assert_eq!(alaw_encode(alaw_decode(code)), code, "A-law {code:#x}");
            // Negative zero (0x7f) reads as zero and is written as positive zero.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(ulaw_encode(ulaw_decode(code)), expected, "µ-law {code:#x}");
        }
    }

    #[test]
    fn the_error_is_within_half_a_step_of_each_segment() {
        for sample in (-32_000..32_000).step_by(7) {
            let sample = sample as i16;
            let bound = (i32::from(sample).abs() / 16).max(24);
            for decoded in [ulaw_decode(ulaw_encode(sample)), alaw_decode(alaw_encode(sample))] {
                let error = (i32::from(decoded) - i32::from(sample)).abs();
                assert!(error <= bound, "{sample} came back as {decoded}");
            }
        }
    }

    #[test]
    fn transcoding_equals_decoding_and_encoding() {
        for code in 0..=255u8 {
            assert_eq!(ulaw_to_alaw(code), alaw_encode(ulaw_decode(code)));
            assert_eq!(alaw_to_ulaw(code), ulaw_encode(alaw_decode(code)));
        }
    }
}
