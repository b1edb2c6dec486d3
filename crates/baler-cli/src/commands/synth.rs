//! `baler synth`.

use crate::args::{Synth, SynthKind};
use crate::formats::{self, WriteOptions};
use crate::output::is_standard;
use crate::saying::{bar, bytes, print};
use baler::data::{DType, Values};
use baler::error::{Error, Result};
use baler::synth::flow::Flow;
use baler::synth::jets::{COLUMNS, Jets};
use serde_json::json;

/// Rows of jets made at a time.
const PIECE: usize = 1 << 16;

/// Runs it.
pub fn run(args: &Synth) -> Result<bool> {
    if is_standard(&args.output) {
        return Err(Error::invalid("synth writes to a file, not to standard output; name one"));
    }
    let destination =
        formats::create(&args.output, &WriteOptions { force: args.force, ..WriteOptions::default() })?;
    match (args.kind, &args.size[..]) {
        (SynthKind::Flow, &[frames, height, width]) => {
            if height < 5 || width < 5 {
                return Err(Error::invalid(format!(
                    "a frame of {height} x {width} is too small for an obstacle; 5 x 5 at least"
                )));
            }
            let bar = bar("flowing", !args.saying.quiet && !args.saying.json);
            bar.set_length(frames as u64);
            let mut sink = destination.field("u", DType::F32, &[frames, height, width])?;
            let mut flow = Flow::new(height, width, args.seed);
            for _ in 0..frames {
                sink.write(&Values::F32(flow.next_frame().to_vec()))?;
                bar.inc(1);
            }
            sink.finish()?;
            bar.finish_and_clear();
        }
        (SynthKind::Jets, &[rows]) => {
            let bar = bar("colliding", !args.saying.quiet && !args.saying.json);
            bar.set_length(rows as u64);
            let columns: Vec<_> = COLUMNS.iter().map(|&(name, dtype)| (name.to_string(), dtype)).collect();
            let mut sink = destination.table("jets", &columns, rows)?;
            let mut jets = Jets::new(args.seed);
            for start in (0..rows).step_by(PIECE) {
                let table = jets.next_rows(PIECE.min(rows - start));
                sink.write(&table.columns.into_iter().map(|c| c.values).collect::<Vec<_>>())?;
                bar.set_position(start as u64);
            }
            sink.finish()?;
            bar.finish_and_clear();
        }
        (SynthKind::Flow, _) => {
            return Err(Error::invalid("--size FRAMES,HEIGHT,WIDTH is wanted, such as 60,50,50"));
        }
        (SynthKind::Jets, _) => return Err(Error::invalid("--size ROWS is wanted, such as 100000")),
    }
    let size = std::fs::metadata(&args.output).map_or(0, |m| m.len());
    if args.saying.json {
        print(json!({"output": args.output.to_string_lossy(), "bytes": size}))?;
    } else {
        print(format!("{}: {}", args.output.display(), bytes(size)))?;
    }
    Ok(true)
}
