//! Every kind of figure, of data that are as degenerate as can be, in every format.

use super::*;
use crate::data::{Column, Table, Values};
use crate::front::Tolerance;

fn text_of(figure: &Figure) -> String {
    String::from_utf8(figure.to_bytes(Format::Svg).unwrap()).unwrap()
}

fn page_of(before: Values, after: Values, tolerance: Tolerance) -> String {
    let pair = Pair { name: "a <b> & c", unit: "GeV", before: &before, after: &after, tolerance };
    text_of(&column_page("file", &pair).into())
}

/// The kinds of columns that have nothing to bin, or too much.
fn columns() -> Vec<(&'static str, Values)> {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    vec![
        ("empty", Values::F64(vec![])),
        ("one", Values::F32(vec![0.5])),
        ("constant", Values::F64(vec![-7.0; 50])),
        ("zero", Values::F64(vec![0.0; 3])),
        ("nan", Values::F64(vec![nan; 4])),
        ("infinite", Values::F64(vec![inf, -inf, 1.0])),
        ("widest", Values::F64(vec![f64::MIN, f64::MAX, 0.0, nan])),
        ("smallest", Values::F64(vec![5e-324, 0.0, 1e-320])),
        ("close", Values::F64(vec![1e9, 1e9 + 1e-6])),
        ("bytes", Values::U8((0..=255).collect())),
        ("large", Values::I64(vec![i64::MIN, i64::MAX, 0])),
        ("truth", Values::Bool(vec![true, false, true])),
        ("text", Values::Text(vec!["x".into(), "y".into()])),
    ]
}

#[test]
fn every_column_is_drawn() {
    let tolerances = [
        Tolerance::None,
        Tolerance::Exact,
        Tolerance::Absolute(1e-3),
        Tolerance::Absolute(f64::MAX),
        Tolerance::Pointwise(1e-2),
        Tolerance::RootMeanSquare(0.1),
    ];
    for (name, before) in columns() {
        for tolerance in tolerances {
            let mut others = vec![before.clone()];
            if let Values::F64(v) = &before {
                others.extend([1.5, f64::NAN, f64::MAX].map(|x| Values::F64(vec![x; v.len()])));
            }
            for after in others {
                let svg = page_of(before.clone(), after.clone(), tolerance);
                assert!(svg.contains("a &lt;b&gt; &amp; c"));
                let bad = ["NaN", "inf"].iter().find_map(|bad| svg.find(bad));
                assert!(
                    bad.is_none(),
                    "{name} {tolerance:?}: {}",
                    &svg[bad.unwrap_or(0)..].chars().take(90).collect::<String>()
                );
                let pair = Pair { name, unit: "", before: &before, after: &after, tolerance };
                assert!(text_of(&residual_boxes("t", "", &[pair])).contains(name));
            }
        }
    }
}

#[test]
fn verdicts_are_told() {
    let f = |v: &[f32]| Values::F32(v.to_vec());
    let texts = |v: &[&str]| Values::Text(v.iter().map(|s| s.to_string()).collect());
    let absolute = Tolerance::Absolute;
    for (before, after, tolerance, told) in [
        (f(&[1.0, 2.0]), f(&[1.0, 2.0]), absolute(0.1), "came back exactly"),
        (f(&[1.0, f32::NAN]), f(&[1.0, f32::NAN]), Tolerance::None, "came back exactly"),
        (f(&[1.0, 2.0]), f(&[1.25, 2.0]), absolute(0.5), "bound 0.5; largest error 0.25 = 0.50 × bound"),
        (f(&[1.0, 2.0]), f(&[1.25, 2.0]), Tolerance::None, "no bound known; largest error 0.25"),
        (f(&[1.0, 2.0]), f(&[2.0, 2.0]), absolute(0.5), "BROKEN, largest error 2 × bound"),
        (f(&[1.0, 2.0]), f(&[2.0, 2.0]), Tolerance::Exact, "BROKEN, off by up to 1"),
        (
            f(&[2.0, -2.0]),
            f(&[2.0, -1.5]),
            Tolerance::Pointwise(0.5),
            "bound 0.5 of each; largest error 0.5 = 0.50 ×",
        ),
        (f(&[1.0, 2.0]), f(&[f32::NAN, 2.0]), absolute(0.5), "1 became missing"),
        (f(&[f32::NAN]), f(&[f32::NAN]), absolute(0.5), "no finite values"),
        (f(&[]), f(&[]), Tolerance::None, "no finite values"),
        (texts(&["x"]), texts(&["x"]), Tolerance::None, "text, came back exactly"),
        (texts(&["x"]), texts(&["y"]), Tolerance::None, "text, CHANGED"),
    ] {
        let svg = page_of(before, after, tolerance);
        assert!(svg.contains(told), "{told}: {svg}");
    }
}

#[test]
fn mean_and_rms_are_in_numbers() {
    let svg = page_of(Values::F64(vec![1.0, 2.0]), Values::F64(vec![1.5, 1.5]), Tolerance::Absolute(1.0));
    for told in [
        "mean 0   RMS 0.5",
        "min −0.5   max 0.5",
        "mean 12.5 %   RMS 39.53 %",
        ">bound<",
        "after − before in GeV",
    ] {
        assert!(svg.contains(told), "{told}: {svg}");
    }
}

fn table() -> Table {
    let long = columns().into_iter().filter(|(_, v)| !v.is_empty());
    let columns = long.map(|(name, values)| Column { name: name.into(), values: values.slice(0..1) });
    Table::new(columns.collect()).unwrap()
}

/// Objects of a kind in a PDF.
fn objects(pdf: &[u8], kind: &str) -> usize {
    let kind = format!("/Type /{kind}\n");
    pdf.windows(kind.len()).filter(|w| *w == kind.as_bytes()).count()
}

#[test]
fn every_format_has_every_page() {
    let table = table();
    let exact = vec![Tolerance::Exact; table.columns.len()];
    let figure = comparison("title", "note", &pairs(&table, &table, &exact).unwrap());
    assert_eq!(figure.pages.len(), table.columns.len(), "a page each, none for the text, one for the boxes");
    let pdf = figure.to_bytes(Format::Pdf).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf == figure.to_bytes(Format::Pdf).unwrap());
    assert_eq!((objects(&pdf, "Page"), objects(&pdf, "Font")), (figure.pages.len(), 4));
    let svg = text_of(&figure);
    assert!(
        table.columns.iter().all(|c| svg.contains(&format!(">{}<", c.name))) && svg.contains("text, exact")
    );
    let png = figure.to_bytes(Format::Png).unwrap();
    let info = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
    assert!(info.info().width as usize * info.info().height as usize <= 16_100_000);
    assert!(Figure::default().to_bytes(Format::Svg).is_err());
}

#[test]
fn a_png_has_two_pixels_to_the_unit() {
    let page = loss("t", "", &[]);
    let (width, height) = page.size();
    let png = Figure::from(page).to_bytes(Format::Png).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width as f64, info.height as f64), (2.0 * width, 2.0 * height));
    assert!(pixels.iter().any(|&p| p < 60), "there are letters on it");
}

#[test]
fn an_animation_has_every_frame() {
    let data: Vec<f64> = (0..5 * 12).map(f64::from).collect();
    let scales = Scales::of(&data, &data, Tolerance::None);
    let page = |k: usize| {
        let part = &data[k * 12..][..12];
        let frame =
            Frame { before: part, after: part, height: 3, width: 4, tolerance: Tolerance::None, unit: "" };
        frames(&format!("frame {k}"), "", &frame, &scales)
    };
    let size = page(0).unwrap().size();
    for format in [Format::Apng, Format::Gif] {
        let mut out = vec![];
        animate((0..5).map(page), format, 10.0, &mut out).unwrap();
        let shown = match format {
            Format::Gif => {
                let mut decoder = gif::DecodeOptions::new().read_info(&out[..]).unwrap();
                assert_eq!(
                    (decoder.width() as f64, decoder.height() as f64),
                    (size.0.round(), size.1.round())
                );
                std::iter::from_fn(|| decoder.read_next_frame().unwrap().map(|f| f.delay))
                    .filter(|&d| d == 10)
                    .count()
            }
            _ => {
                let reader = png::Decoder::new(std::io::Cursor::new(&out)).read_info().unwrap();
                reader.info().animation_control().unwrap().num_frames as usize
            }
        };
        assert_eq!(shown, 5);
    }
    let mut out = vec![];
    assert!(animate((0..0).map(page), Format::Gif, 10.0, &mut out).is_err());
    assert!(animate((0..5).map(page), Format::Png, 10.0, &mut out).is_err());
    assert!(animate((0..5).map(page), Format::Gif, 0.0, &mut out).is_err());
    let other = [page(0), Ok(loss("", "", &[]))];
    assert!(animate(other.into_iter(), Format::Apng, 10.0, &mut out).is_err());
}
