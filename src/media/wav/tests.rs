//! Good and bad files, named one by one; and the mending of crashed recordings.

use hound::{WavSpec, WavWriter};

use super::*;
use crate::media::tone::{sine, tone_level_dbfs};

fn spec(channels: u16, sample_rate: u32, bits: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate, bits_per_sample: bits, sample_format }
}

/// A file with a 500 Hz tone of 200 ms at −20 dBFS in every channel.
fn tone_file(spec: WavSpec) -> Vec<u8> {
    let tone = sine(spec.sample_rate, 500.0, 200, -20.0);
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec).unwrap();
    for sample in tone {
        for _ in 0..spec.channels {
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(f32::from(sample) / 32_767.0).unwrap(),
                SampleFormat::Int => {
                    let wide = i64::from(sample) << 16 >> (32 - spec.bits_per_sample);
                    writer.write_sample(wide as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn good_file() -> Vec<u8> {
    tone_file(spec(1, 8_000, 16, SampleFormat::Int))
}

#[test]
fn every_usual_format_is_read_at_its_level() {
    for (channels, rate, bits, format) in [
        (1, 8_000, 16, SampleFormat::Int),
        (2, 44_100, 16, SampleFormat::Int),
        (1, 11_025, 8, SampleFormat::Int),
        (2, 48_000, 24, SampleFormat::Int),
        (1, 22_050, 32, SampleFormat::Int),
        (2, 16_000, 32, SampleFormat::Float),
    ] {
        let pcm = parse(&tone_file(spec(channels, rate, bits, format))).unwrap();
        assert_eq!((pcm.rate_hz, pcm.duration_ms()), (rate, 200), "{bits} bits");
        let level = tone_level_dbfs(&pcm.samples, rate, 500.0);
        assert!((level + 20.0).abs() < 0.5, "{channels} × {bits} bits at {rate}: {level}");
    }
}

#[test]
fn channels_are_told_apart() {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec(2, 8_000, 16, SampleFormat::Int)).unwrap();
    for sample in [1i16, -1, 2, -2, 3, -3] {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    let channels = parse_channels(&bytes.into_inner()).unwrap();
    assert_eq!(channels[0], Pcm::new(8_000, vec![1, 2, 3]));
    assert_eq!(channels[1], Pcm::new(8_000, vec![-1, -2, -3]));
}

fn check(name: &str, bytes: &[u8], expect: &str) {
    let error = parse(bytes).expect_err(name).to_string();
    assert!(error.contains(expect), "{name}: {error}");
}

#[test]
fn bad_files_are_told_in_words() {
    let good = good_file();
    check("empty", b"", "is empty (0 bytes)");
    check("text", b"To whom it may concern, this is not sound", "not a WAV file");
    check("wrong magic", &[b"RIFX", &good[4..]].concat(), "not a WAV file");
    check("an AVI", &[&good[..8], b"AVI ", &good[12..]].concat(), "not a WAV file");
    let cut = &good[..good.len() - 1_000];
    check("truncated", cut, "header promises 3200 bytes of sound, 2200 are there");
    check("header only", &good[..44], "header promises 3200 bytes of sound, 0 are there");
    check("half a header", &good[..20], "broken header");
    check("no sound", &[&good[..40], &[0, 0, 0, 0]].concat(), "holds no sound");
    let mut compressed = good.clone();
    compressed[20] = 7;
    check("µ-law", &compressed, "compressed (format 7)");
    let surround = spec(6, 48_000, 16, SampleFormat::Int);
    check("six channels", &tone_file(surround), "6 channels");
    let slow = spec(1, 4_000, 16, SampleFormat::Int);
    check("4 kHz", &tone_file(slow), "4000 samples a second");
    let fast = spec(1, 96_000, 16, SampleFormat::Int);
    check("96 kHz", &tone_file(fast), "96000 samples a second");
    let mut long = good;
    long[24..28].copy_from_slice(&8_000u32.to_le_bytes());
    long.resize(44 + 8_000 * 2 * 1_801, 0);
    long[40..44].copy_from_slice(&(8_000u32 * 2 * 1_801).to_le_bytes());
    check("half an hour and a second", &long, "too long: 1801 s");
}

#[test]
fn a_missing_file_is_unreadable() {
    let error = read(Path::new("/nowhere/at/all.wav")).expect_err("missing");
    assert!(matches!(error, WavError::Unreadable(_)), "{error}");
}

proptest::proptest! {
    #[test]
    fn a_damaged_file_is_read_or_refused(
        at in 0usize..44, value: u8, length in 0usize..400,
    ) {
        let mut bytes = good_file();
        bytes[at] = value;
        bytes.truncate(length.max(at + 1));
        let _ = parse(&bytes);
    }
}

#[test]
fn what_is_written_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let pcm = Pcm::new(16_000, sine(16_000, 300.0, 50, -20.0));
    write(&path, &pcm).unwrap();
    assert_eq!(read(&path).unwrap(), pcm);
}

#[test]
fn only_what_disagrees_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = tone_file(spec(2, 8_000, 16, SampleFormat::Int));
    fs::write(at("healthy.wav"), &good).unwrap();
    // As a process killed before its first flush leaves it: sizes of 0, samples present, the
    // last of them torn.
    let mut crashed = good.clone();
    crashed[4..8].copy_from_slice(&36u32.to_le_bytes());
    crashed[40..44].copy_from_slice(&0u32.to_le_bytes());
    crashed.extend_from_slice(&[1, 2, 3]);
    fs::write(at("crashed.wav"), &crashed).unwrap();
    fs::write(at("alien.wav"), b"not ours").unwrap();
    fs::write(at("notes.txt"), b"RIFF").unwrap();
    let before = fs::metadata(at("healthy.wav")).unwrap().modified().unwrap();
    assert_eq!(repair(folder.path()).unwrap(), [at("crashed.wav")]);
    assert_eq!(fs::read(at("crashed.wav")).unwrap(), good);
    assert_eq!(fs::metadata(at("healthy.wav")).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read(at("alien.wav")).unwrap(), b"not ours");
    assert!(repair(folder.path()).unwrap().is_empty(), "mended once and for all");
}
