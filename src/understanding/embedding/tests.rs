//! The encoder against vectors of a reference (numpy, 32 bits, from the same weights), and against
//! files that are not what they claim. Tests that need the model say so where it is absent.

use std::path::Path;

use super::*;

/// The model of `warmline models fetch all-MiniLM-L6-v2`, where it lies beside the sources.
fn files() -> Option<(Vec<u8>, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let read = |name: &str| std::fs::read(folder.join(format!("all-MiniLM-L6-v2.{name}"))).ok();
    let found = read("model.safetensors").zip(read("tokenizer.json"));
    if found.is_none() {
        println!("skipped: models/ has no all-MiniLM-L6-v2 (warmline models fetch brings it)");
    }
    found
}

const SENTENCES: [&str; 6] = [
    "where is my parcel",
    "my package has not arrived yet",
    "what time do you close today",
    "i forgot my password",
    "i can't log in to my account",
    "Call me Zoë: the naïve café's bill was £42.50!",
];
/// Cosines between them, and the first numbers of each vector, by the reference.
const COSINES: [[f32; 6]; 6] = [
    [1.0, 0.4696, 0.1393, 0.2036, 0.0903, 0.1443],
    [0.4696, 1.0, 0.1493, 0.2289, 0.1192, 0.1574],
    [0.1393, 0.1493, 1.0, 0.1391, 0.0785, 0.0413],
    [0.2036, 0.2289, 0.1391, 1.0, 0.5458, 0.0735],
    [0.0903, 0.1192, 0.0785, 0.5458, 1.0, 0.0365],
    [0.1443, 0.1574, 0.0413, 0.0735, 0.0365, 1.0],
];
const FIRST: [[f32; 6]; 6] = [
    [0.04691, -0.02704, 0.04849, -0.04033, 0.06711, 0.01174],
    [-0.08724, -0.00315, 0.00361, 0.01728, 0.03109, -0.00584],
    [0.04217, 0.02866, 0.0277, -0.01999, 0.02301, -0.029],
    [-0.04743, -0.03113, -0.0395, 0.03649, 0.00789, 0.05931],
    [0.037, -0.03025, -0.0128, -0.03854, 0.02006, -0.04314],
    [0.01697, 0.06383, 0.01567, -0.00755, -0.03908, -0.03878],
];
/// What rounding to whole numbers may move.
const COSINE_OFF_MAX: f32 = 0.03;
const NUMBER_OFF_MAX: f32 = 0.015;

#[test]
fn sentences_lie_where_the_reference_has_them() {
    let Some((model, tokenizer)) = files() else { return };
    let embedder = Embedder::from_bytes(&model, &tokenizer).expect("is the published model");
    assert_eq!(
        embedder.pieces.ids(SENTENCES[4], TOKENS_MAX),
        [101, 1045, 2064, 1005, 1056, 8833, 1999, 2000, 2026, 4070, 102]
    );
    let pieces = [
        101, 2655, 2033, 11199, 1024, 1996, 15743, 7668, 1005, 1055, 3021, 2001, 1069, 20958, 1012,
        2753, 999, 102,
    ];
    assert_eq!(embedder.pieces.ids(SENTENCES[5], TOKENS_MAX), pieces);
    let found = embedder.embed_many(&SENTENCES);
    for (row, (vector, wanted)) in found.iter().zip(COSINES).enumerate() {
        for (other, wanted) in found.iter().zip(wanted) {
            let likeness = vector.likeness(other);
            assert!((likeness - wanted).abs() < COSINE_OFF_MAX, "{row}: {likeness} {wanted}");
        }
        for (number, wanted) in vector.numbers().zip(FIRST[row]) {
            assert!((number - wanted).abs() < NUMBER_OFF_MAX, "{row}: {number} {wanted}");
        }
        // Alone as among others, and again as the first time.
        assert_eq!(*vector, embedder.embed_many(&[SENTENCES[row]])[0], "{row}");
        assert_eq!(*vector, embedder.embed(SENTENCES[row]), "{row}");
        assert_eq!(*vector, embedder.embed(SENTENCES[row]), "{row}, remembered");
    }
}

#[test]
fn any_text_has_a_vector() {
    let Some((model, tokenizer)) = files() else { return };
    let embedder = Embedder::from_bytes(&model, &tokenizer).expect("is the published model");
    let long = "very ".repeat(5_000);
    let word = "x".repeat(9_000);
    for text in ["", " ", "\0\u{fffd}", "请问几点开门", "🦓 ñ\u{301}\u{301}", &long, &word]
    {
        let vector = embedder.embed(text);
        assert_eq!(vector.units.len(), WIDTH);
        assert!((vector.likeness(&vector) - 1.0).abs() < 0.02, "{}", vector.likeness(&vector));
    }
    assert_eq!(embedder.pieces.ids(&long, TOKENS_MAX).len(), TOKENS_MAX);
    assert!(embedder.embed_many(&[]).is_empty());
}

/// A tiny tokenizer whose pieces are numbered from 0 on.
fn tokenizer(pieces: &[&str]) -> Vec<u8> {
    let vocab: Vec<String> = pieces.iter().zip(0..).map(|(p, n)| format!("{p:?}:{n}")).collect();
    format!("{{\"model\":{{\"vocab\":{{{}}}}}}}", vocab.join(",")).into_bytes()
}

#[test]
fn words_are_cut_into_their_longest_pieces() {
    let file = tokenizer(&["[CLS]", "[SEP]", "[UNK]", "pass", "##word", "##s", "word", "?", "a"]);
    let pieces = WordPieces::from_json(&file).expect("is good");
    for (text, expected) in [
        ("Passwords?", vec![0, 3, 4, 5, 7, 1]),
        ("word á", vec![0, 6, 8, 1]),
        ("wordy pass", vec![0, 2, 3, 1]),
        ("", vec![0, 1]),
    ] {
        assert_eq!(pieces.ids(text, 8), expected, "{text}");
    }
    assert_eq!(pieces.ids("a a a a a a a a", 4), [0, 8, 8, 1]);
}

#[test]
fn a_broken_tokenizer_is_a_clear_error() {
    for (bytes, part) in [
        (b"".to_vec(), "EOF"),
        (b"{\"model\":{}}".to_vec(), "vocab"),
        (tokenizer(&[]), "0 pieces"),
        (tokenizer(&["[CLS]", "[SEP]"]), "no piece [UNK]"),
        (b"{\"model\":{\"vocab\":{\"[CLS]\":7}}}".to_vec(), "one by one"),
        (vec![b' '; 9 << 20], "9437184 bytes"),
    ] {
        let told = WordPieces::from_json(&bytes).err().map(|fault| fault.to_string());
        let told = told.unwrap_or_default();
        assert!(told.contains(part), "{part}: {told}");
    }
}

/// A safetensors file with this header and body.
fn weights(header: &str, body: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), body].concat()
}

#[test]
fn a_broken_weights_file_is_a_clear_error() {
    let entry = |shape: &str, to: usize| {
        format!("{{\"t\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[0,{to}]}}}}")
    };
    let nan = f32::NAN.to_le_bytes();
    let huge = "[18446744073709551615,2]";
    for (bytes, part) in [
        (vec![], "cut short"),
        (u64::MAX.to_le_bytes().to_vec(), "longer than 1 MiB"),
        (900_u64.to_le_bytes().to_vec(), "cut short"),
        (weights("[", b""), "header"),
        (weights(&entry("[1]", 4), b"abc"), "cut off"),
        (weights(&entry("[1]", 4), &nan), "a number that is none"),
        (weights(&entry("[2]", 4), &[0; 4]), "has the shape [2]"),
        (weights(&entry(huge, 4), &[0; 4]), "has the shape"),
        (weights("{\"t\":{\"dtype\":\"F32\"}}", b""), "no shape"),
        (weights("{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", b""), "no place"),
        (weights("{}", b""), "is missing"),
    ] {
        let read = Tensors::read(&bytes).and_then(|found| found.take("t", &[1]));
        let told = read.err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(told.contains(part), "{part}: {told}");
    }
    let overflow = weights(&entry(huge, 4), &[0; 4]);
    let read = Tensors::read(&overflow).expect("is well formed");
    assert!(read.take("t", &[usize::MAX, 2]).is_err());
}

#[test]
fn a_model_cut_anywhere_is_an_error() {
    let Some((model, tokenizer)) = files() else { return };
    for length in [0, 7, 8, 11_000, 11_416, 5_000_000, model.len() - 1] {
        let cut = model.get(..length).expect("is shorter");
        assert!(Embedder::from_bytes(cut, &tokenizer).is_err(), "{length}");
    }
    let other = self::tokenizer(&["[CLS]", "[SEP]", "[UNK]"]);
    let told = Embedder::from_bytes(&model, &other).err().map(|fault| fault.to_string());
    assert!(told.is_some_and(|told| told.contains("word_embeddings")));
}
