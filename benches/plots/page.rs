//! Where a benchmark's plots go: pages and pictures in `target/bench`, and one page that shows
//! them all, made anew with each.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What each file shows, in the order of the page; a file that is not there is left out.
const SHOWN: [(&str, &str); 14] = [
    ("calls.html", "End of speech → first audio of the answer, on the caller's capture"),
    ("turns.html", "When a turn ends, and what cuts it off"),
    ("whisper.html", "Ways of driving Whisper: time against word errors"),
    ("spoken.html", "Intents by noise, and the speech rate against the truth"),
    ("demo-confusion.svg", "The demo's intents: what was meant, what was taken"),
    ("demo-confusion-embedding.svg", "The same with the sentence embedding"),
    ("banking77-confusion.svg", "Banking77: what was meant, what was taken"),
    ("banking77-embedding-confusion.svg", "The same with the sentence embedding"),
    ("banking77-risk.svg", "Banking77: errors among the surest answers"),
    ("banking77-embedding-risk.svg", "The same with the sentence embedding"),
    ("clinc150-confusion.svg", "CLINC150: what was meant, what was taken"),
    ("clinc150-embedding-confusion.svg", "The same with the sentence embedding"),
    ("clinc150-risk.svg", "CLINC150: errors among the surest answers"),
    ("clinc150-embedding-risk.svg", "The same with the sentence embedding"),
];

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:54rem;margin:2rem auto;\
                     padding:0 1rem;color:#1b2430}h1{font-size:1.6rem}h2{font-size:1.15rem;\
                     margin-top:2.2rem}table{border-collapse:collapse}td,th{padding:.2rem .7rem;\
                     text-align:right;border-bottom:1px solid #d5dbe3}td:first-child,\
                     th:first-child{text-align:left}img,svg{max-width:100%;height:auto}\
                     a{color:#0a58a8}p.note{color:#566172}";

/// Writes `body` as the page `target/bench/NAME` and the page of all beside it.
pub fn write(name: &str, title: &str, body: &str) {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\
         <style>{STYLE}</style><p><a href=index.html>All plots</a></p><h1>{title}</h1>{body}"
    );
    told(name, fs::create_dir_all(folder()).and_then(|()| fs::write(folder().join(name), page)));
}

/// Writes the drawing `svg` as `target/bench/NAME` and the page of all beside it.
pub fn picture(name: &str, svg: &str) {
    told(name, fs::create_dir_all(folder()).and_then(|()| fs::write(folder().join(name), svg)));
}

/// Says what became of `name`, and makes the page of all again.
fn told(name: &str, written: io::Result<()>) {
    if !SHOWN.iter().any(|(shown, _)| *shown == name) {
        println!("target/bench/{name} is not on the page of all: SHOWN in page.rs lacks it");
    }
    match written.and_then(|()| index()) {
        Ok(()) => println!("target/bench/{name} is written; target/bench/index.html shows all"),
        Err(error) => println!("target/bench/{name} was not written: {error}"),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench")
}

fn index() -> io::Result<()> {
    let mut body = String::new();
    for (name, what) in SHOWN {
        if !folder().join(name).is_file() {
            continue;
        }
        let _ = write!(body, "<h2><a href={name}>{what}</a></h2>");
        if name.ends_with(".svg") {
            let _ = write!(body, "<a href={name}><img src={name} alt=\"{what}\"></a>");
        } else {
            let _ = write!(body, "{}", first_picture(&fs::read_to_string(folder().join(name))?));
        }
    }
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Warmline: measured</title>\
         <style>{STYLE}</style><h1>Warmline: measured on this machine</h1>\
         <p class=note>Each part is from the benchmark's last run; a title leads to its page. \
         <code>./dev bench</code> measures anew.</p>{body}"
    );
    fs::write(folder().join("index.html"), page)
}

/// The first drawing of a page; nothing if it has none.
fn first_picture(page: &str) -> &str {
    let Some(begins) = page.find("<svg") else { return "" };
    let rest = page.get(begins..).unwrap_or_default();
    rest.find("</svg>").and_then(|ends| rest.get(..ends + "</svg>".len())).unwrap_or("")
}

/// How many of `delays` (milliseconds) fell into each tenth of a second.
pub fn histogram(delays: &[u64]) -> String {
    const BIN_MS: u64 = 100;
    let mut out = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' width='640' height='150' role='img' \
         font-family='sans-serif'>",
    );
    let most = delays.iter().map(|ms| ms / BIN_MS).max().unwrap_or(0).max(19);
    let width = 600.0 / (most + 1) as f64;
    for bin in 0..=most {
        let count = delays.iter().filter(|ms| **ms / BIN_MS == bin).count();
        let height = 110.0 * count as f64 / delays.len().max(1) as f64;
        let (x, y) = (20.0 + bin as f64 * width, 120.0 - height);
        let (from, wide) = (bin * BIN_MS, width - 1.0);
        let _ = write!(
            out,
            "<rect x='{x:.1}' y='{y:.1}' width='{wide:.1}' height='{height:.1}' fill='#07c'>\
             <title>{count} from {from} ms on</title></rect>"
        );
        if bin % 5 == 0 {
            let _ = write!(out, "<text x='{x:.1}' y='140' font-size='11'>{from}</text>");
        }
    }
    out + "</svg>"
}
