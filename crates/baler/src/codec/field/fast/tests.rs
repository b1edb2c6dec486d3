//! The parts of the fast walk on their own: inverse pairs at their extremes, and tables from bytes nobody vouches for.

use super::rans::{self, DecodingTables, Symbol};
use super::table::{Counts, SLOTS, Tables};
use super::token::{self, CLASSES, DIRECT, ESCAPE, RawReader, RawWriter, TOKENS};
use super::vectors::{Block, PLACES, Vectors};
use super::wave::{PASSED, REGULAR};
use super::{close_up, open_up};
use crate::codec::bytes::Reader;
#[cfg(target_arch = "x86_64")]
use crate::cpu::Avx2;
use crate::cpu::Portable;

/// A stream of numbers (Knuth's MMIX generator).
fn random() -> impl FnMut() -> u64 {
    let mut state = 7u64;
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 11
    }
}

#[test]
fn indices_of_every_size_come_back_in_every_class() {
    let sizes = (0..63).flat_map(|s| [1i64 << s, (1 << s) - 1, -(1 << s), -(1 << s) - 1]);
    let indices: Vec<i64> = sizes.chain([i64::MAX, i64::MIN]).collect();
    let mut raw = RawWriter::default();
    let mut tokens = vec![];
    for class in 0..CLASSES as u8 {
        tokens.extend(indices.iter().map(|&k| (class, token::split(k, class, &mut raw))));
    }
    let raw = raw.finish();
    let mut raw = RawReader::new(&raw);
    for (&(class, token), &k) in tokens.iter().zip(indices.iter().cycle()) {
        assert!(token < ESCAPE);
        assert_eq!(token::join(token, class, &mut raw), k, "class {class}");
    }
    assert_eq!(raw.take(56), 0, "zeros past the end");
}

#[test]
fn tables_come_back_and_tokens_too() {
    let mut next = random();
    for round in 0..60u32 {
        let mut counts: Box<Counts> = Box::new([[0; TOKENS]; CLASSES]);
        let mut lengths = vec![];
        let mut symbols = vec![];
        for row in 0..30 {
            let length = next() as usize % 70;
            lengths.push(length as u32);
            for _ in 0..length {
                let class = ((next() % (1 + round as u64)) % CLASSES as u64) as u8;
                let token = ((next() % TOKENS as u64) >> (next() % (1 + row % 9))) as u8;
                counts[class as usize][token as usize] += 1;
                symbols.push((class, token));
            }
        }
        let tables = Tables::fit(&counts);
        assert!(tables.frequencies.iter().all(|f| f.iter().map(|&f| f as usize).sum::<usize>() == SLOTS));
        let mut bytes = vec![];
        tables.write(&mut bytes);
        assert_eq!(Tables::read(&mut Reader::new(&bytes)).unwrap(), tables);
        let coded: Vec<_> = symbols.iter().map(|&(class, token)| Symbol::new(class, token)).collect();
        let coded = rans::encode(&coded, &lengths, &tables);
        let mut decoder = rans::Decoder::new(&coded);
        let decoding = DecodingTables::new(&tables);
        let mut rest = &symbols[..];
        for &length in &lengths {
            let (row, after) = rest.split_at(length as usize);
            rest = after;
            let classes: Vec<u8> = row.iter().map(|&(class, _)| class).collect();
            let mut tokens = vec![0; row.len()];
            decoder.row(&decoding, &classes, &mut tokens);
            assert!(row.iter().zip(&tokens).all(|(&(_, token), &t)| token == t), "round {round}");
        }
    }
}

#[test]
fn damaged_tables_are_refused_or_valid() {
    let mut next = random();
    let mut refused = 0;
    for length in (0..300).cycle().take(3000) {
        let mut bytes = vec![];
        let stream: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        crate::codec::bytes::put_bytes(&mut bytes, &stream);
        crate::codec::bytes::put_bytes(&mut bytes, &stream[..stream.len() / 2]);
        match Tables::read(&mut Reader::new(&bytes)) {
            Err(_) => refused += 1,
            Ok(tables) => {
                for f in &tables.frequencies {
                    assert!(f[0] > 0 && f.iter().map(|&f| f as usize).sum::<usize>() == SLOTS);
                }
                let decoding = DecodingTables::new(&tables);
                rans::Decoder::new(&stream).row(&decoding, &[33; 1000], &mut [0; 1000]);
            }
        }
    }
    assert!(refused > 1000);
}

/// Everything that `vectors` do, on random input: raw bits and what is found beside them.
fn done_by(vectors: impl Vectors) -> (Vec<u8>, Vec<Option<[u8; PLACES]>>) {
    let mut next = random();
    let mut raw = RawWriter::default();
    let mut split = vec![];
    let mut kept = vec![];
    for _ in 0..20_000 {
        let classes: [u8; PLACES] = std::array::from_fn(|_| (next() % CLASSES as u64) as u8);
        // Mostly just below the largest with a token of its own, so that all sixteen often have one.
        let folded: [u16; PLACES] = std::array::from_fn(|i| {
            let limit = (DIRECT << token::shift(classes[i])) + next().is_multiple_of(400) as u64;
            ((limit - 1) >> (next() % 3)).min(u16::MAX as u64 - (next() % 2)) as u16
        });
        let tokens = vectors.split(&folded, &classes, &mut raw);
        split.push(tokens);
        kept.extend(tokens.map(|tokens| (tokens, classes, folded)));
    }
    assert!(kept.len() > 10_000 && kept.len() < 20_000, "{}", kept.len());
    let bytes = raw.finish();
    let mut raw = RawReader::new(&bytes);
    for (tokens, classes, folded) in kept {
        let indices = vectors.join(&tokens, &classes, &mut raw);
        assert_eq!(indices.map(|k| token::zigzag(k as i64) as u16), folded);
    }
    assert_eq!(raw.take(56), 0, "zeros past the end");
    // The largest that a stream can hold.
    let indices = vectors.join(&[31; PLACES], &[33; PLACES], &mut RawReader::new(&[255; 24]));
    assert_eq!(indices.map(|k| token::zigzag(k as i64)), [65535; PLACES]);
    let block: Block<u32> = std::array::from_fn(|_| std::array::from_fn(|_| next() as u32));
    let wide: Block<u64> = block.map(|row| row.map(|x| x as u64 + 1));
    let (mut turned, mut turned_wide) = (block, wide);
    vectors.transpose(&block, &mut turned);
    vectors.transpose(&wide, &mut turned_wide);
    for (i, j) in (0..8).flat_map(|i| (0..8).map(move |j| (i, j))) {
        assert_eq!((turned[i][j], turned_wide[i][j]), (block[j][i], wide[j][i]));
    }
    let [a, b, c, d, e, f, g, _] = block[0];
    assert_eq!(vectors.shift(block[0], 7), [7, a, b, c, d, e, f, g]);
    let moved = vectors.shift(wide[0], 7);
    assert_eq!((moved[0], &moved[1..]), (7, &wide[0][..7]));
    (bytes, split)
}

#[test]
fn vectors_of_every_processor_do_the_same() {
    let portable = done_by(Portable);
    #[cfg(target_arch = "x86_64")]
    match Avx2::new() {
        Some(cpu) => assert!(done_by(cpu) == portable),
        None => eprintln!("skipped: this processor has no AVX2"),
    }
    assert!(portable.1.iter().any(Option::is_none));
}

#[test]
fn rows_are_closed_up_and_opened_again() {
    for every in [1, 2, 3, 7, 100] {
        for shift in 0..every {
            let kinds: Vec<u8> = (0..40usize)
                .map(|i| if (i + shift).is_multiple_of(every) { PASSED } else { REGULAR })
                .collect();
            let row: Vec<i32> = (0..40).map(|i| if kinds[i] == PASSED { 0 } else { i as i32 - 20 }).collect();
            let mut some = vec![5; 3];
            close_up(&mut some, &row, &kinds);
            assert!(some.iter().eq(row.iter().zip(&kinds).filter(|(_, k)| **k != PASSED).map(|(x, _)| x)));
            some.resize(40, 9);
            let mut back = vec![1; 40];
            open_up(&mut back, &some, &kinds);
            assert_eq!(back, row);
        }
    }
}
