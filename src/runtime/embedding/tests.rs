//! What is kept is used again, and nothing that is broken is.

use std::cell::Cell;

use super::*;
use crate::understanding::embedding::WIDTH;

fn vector(number: usize) -> Vector {
    let mut numbers = [0.0; WIDTH];
    numbers[number] = 1.0;
    Vector::round(&numbers)
}

/// Vectors of `texts`, each by its length, and how many had to be computed.
fn ask(kept: &Kept, embedder: u64, texts: &[&str]) -> usize {
    let computed = Cell::new(0);
    let found = kept.vectors(embedder, texts, |missing| {
        computed.set(missing.len());
        missing.iter().map(|text| vector(text.len())).collect()
    });
    let wanted: Vec<Vector> = texts.iter().map(|text| vector(text.len())).collect();
    assert_eq!(found, wanted);
    computed.get()
}

#[test]
fn vectors_are_computed_once_and_a_broken_file_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cache/vectors");
    let kept = Kept::at(&file);
    assert_eq!(ask(&kept, 7, &["a", "bb", "a"]), 2);
    assert_eq!(ask(&kept, 7, &["bb", "a"]), 0);
    assert_eq!(ask(&kept, 7, &["bb", "ccc"]), 1);
    assert_eq!(ask(&kept, 7, &["a", "bb", "ccc"]), 0, "the others stayed");
    assert_eq!(ask(&kept, 8, &["a"]), 1, "another embedder's are another's");

    let good = std::fs::read(&file).expect("is there");
    for broken in [&good[..good.len() / 2], &good[..4], b"", b"nonsense"] {
        std::fs::write(&file, broken).expect("is writable");
        assert_eq!(ask(&kept, 8, &["a"]), 1, "{} bytes", broken.len());
    }
    let mut flipped = good.clone();
    flipped[40] ^= 1;
    std::fs::write(&file, &flipped).expect("is writable");
    assert_eq!(ask(&kept, 8, &["a"]), 1);
    // One that claims more than it has, with a checksum that fits.
    let mut forged = good[..good.len() - 32].to_vec();
    forged[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    let sum = <sha2::Sha256 as sha2::Digest>::digest(&forged);
    forged.extend_from_slice(&sum);
    std::fs::write(&file, &forged).expect("is writable");
    assert_eq!(ask(&kept, 8, &["a"]), 1);

    assert_eq!(ask(&Kept::default(), 8, &["a"]), 1, "nothing is kept nowhere");
    assert_eq!(ask(&Kept::at(&file.join("below/a/file")), 8, &["a"]), 1);
}

#[test]
fn vectors_that_cannot_be_told_apart_are_neither_used_nor_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = Kept::at(&folder.path().join("vectors"));
    for given in [1, 3] {
        let found = kept.vectors(7, &["a", "bb"], |_| vec![vector(1); given]);
        assert!(found.is_empty(), "{given} vectors of two texts");
    }
    assert_eq!(ask(&kept, 7, &["a", "bb"]), 2, "nothing wrong was kept");
}

#[test]
fn a_setting_that_means_no_embedding_is_told() {
    let empty = tempfile::tempdir().expect("a folder");
    assert!(load(OFF, Some(empty.path())).expect("off").is_none());
    for wrong in ["all-MiniLM-L7", "base-q8_0"] {
        let told = load(wrong, Some(empty.path())).expect_err("is no embedding");
        assert!(told.starts_with("[understanding] embedding: found"), "{told}");
        assert!(told.contains("all-MiniLM-L6-v2"), "{told}");
    }
}
