//! The page of this benchmark: how long after the last word turns end.

use std::fmt::Write;

const BIN_MS: u64 = 100;

/// Writes `target/bench/turns.html` with one histogram for each named list of milliseconds.
pub fn write(lists: &[(&str, &[u64])]) {
    let mut page = String::from(
        "<!doctype html><meta charset=utf-8><title>Ends of turns</title>\
         <body style='font-family:sans-serif;max-width:42rem;margin:2rem auto'>\
         <h1>Last voice → end of the turn</h1>",
    );
    for (name, delays) in lists {
        let most = delays.iter().map(|ms| ms / BIN_MS).max().unwrap_or(0).max(19);
        let width = 600.0 / (most + 1) as f64;
        let _ = write!(
            page,
            "<h2>{name}: {} turns</h2><svg width='640' height='150' role='img'>",
            delays.len()
        );
        for bin in 0..=most {
            let count = delays.iter().filter(|ms| **ms / BIN_MS == bin).count();
            let height = 110.0 * count as f64 / delays.len().max(1) as f64;
            let (x, y) = (20.0 + bin as f64 * width, 120.0 - height);
            let (from, wide) = (bin * BIN_MS, width - 1.0);
            let _ = write!(
                page,
                "<rect x='{x:.1}' y='{y:.1}' width='{wide:.1}' height='{height:.1}' \
                 fill='#07c'><title>{count} from {from} ms on</title></rect>"
            );
            if bin % 5 == 0 {
                let _ = write!(page, "<text x='{x:.1}' y='140' font-size='11'>{from}</text>");
            }
        }
        page += "</svg>";
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    let file = folder.join("turns.html");
    match std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(file, page)) {
        Ok(()) => println!("target/bench/turns.html is written"),
        Err(error) => println!("the page was not written: {error}"),
    }
}
