//! The filter's parameters, 32-bit words that HDF5 keeps with each dataset.
//!
//! | word | |
//! |---|---|
//! | 0 | version of this list: 1 |
//! | 1 | type of the values, by its tag in docs/format.md; + 256 where the bytes in the file are big-endian |
//! | 2 | bound: 0 lossless, 1 absolute, 2 relative, 3 deviation, 4 pointwise, 5 PSNR |
//! | 3, 4 | its value, the low and the high half of an f64 |
//! | 5 | level: 0 fast, 1 default, 2 max; + 256 where a model's hash follows the lengths |
//! | 6 | number of axes of a chunk, 1 to 8 |
//! | 7 ... | length of each, slowest first |
//! | then 8 | the SHA-256 of the model, four of its bytes a word, the first of them lowest |

use baler::archive::Level;
use baler::archive::header::MOST_RANK;
use baler::bound::Bound;
use baler::data::DType;
use baler::error::{Error, Result};
use baler::model::hash::ModelHash;

/// The version that this plugin knows.
const VERSION: u32 = 1;

/// What a dataset's chunks are, and how they are compressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    pub dtype: DType,
    pub big_endian: bool,
    pub bound: Bound,
    pub level: Level,
    pub shape: Vec<usize>,
    /// The hash of the model that chunks may be coded with.
    pub model: Option<ModelHash>,
}

/// In the word of the level: a model's hash follows.
const MODEL: u32 = 256;

impl Parameters {
    /// Reads the words of a dataset. Errors where they are of a newer version, or contradict themselves.
    pub fn parse(words: &[u32]) -> Result<Parameters> {
        let word = |i: usize| {
            words.get(i).copied().ok_or_else(|| {
                Error::truncated("the filter's parameters end early; `baler.hdf5` in Python makes them")
            })
        };
        if word(0)? != VERSION {
            return Err(Error::unsupported(format!(
                "the filter's parameters are of version {}, this plugin knows {VERSION}; a newer one will read them",
                word(0)?
            )));
        }
        let dtype = DType::from_tag((word(1)? & 0xff) as u8).filter(|t| *t != DType::Text && words[1] < 512);
        let value = f64::from_bits(word(3)? as u64 | (word(4)? as u64) << 32);
        let bound = match word(2)? {
            0 => Bound::Lossless,
            1 => Bound::Absolute(value),
            2 => Bound::Relative(value),
            3 => Bound::Deviation(value),
            4 => Bound::Pointwise(value),
            5 => Bound::Psnr(value),
            other => return Err(Error::unsupported(format!("the filter knows no bound {other}"))),
        };
        bound.check()?;
        let level = Level::ALL
            .get((word(5)? & !MODEL) as usize)
            .copied()
            .ok_or_else(|| Error::unsupported("the filter's parameters name a level of a later version"))?;
        let rank = word(6)? as usize;
        if !(1..=MOST_RANK).contains(&rank) {
            return Err(Error::invalid(format!("chunks of {rank} axes; 1 to {MOST_RANK} are possible")));
        }
        let shape = (0..rank).map(|i| word(7 + i).map(|n| n as usize)).collect::<Result<Vec<_>>>()?;
        let model = match word(5)? & MODEL {
            0 => None,
            _ => {
                let words = (0..8).map(|i| word(7 + rank + i)).collect::<Result<Vec<_>>>()?;
                let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
                Some(ModelHash(bytes.try_into().expect("eight words")))
            }
        };
        Ok(Parameters {
            model,
            dtype: dtype.ok_or_else(|| Error::unsupported("the filter knows no such type"))?,
            big_endian: words[1] >= 256,
            bound,
            level,
            shape,
        })
    }

    /// Bytes of a chunk; `None` where they overflow.
    pub fn bytes(&self) -> Option<usize> {
        self.shape.iter().try_fold(self.dtype.size()?, |bytes, &n| bytes.checked_mul(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_bad_ones_refused() {
        let value = 0.25f64.to_bits();
        let words = [1, 9 + 256, 1, value as u32, (value >> 32) as u32, 0, 2, 3, 5];
        let read = Parameters::parse(&words).unwrap();
        let expected = Parameters {
            dtype: DType::F32,
            big_endian: true,
            bound: Bound::Absolute(0.25),
            level: Level::Fast,
            shape: vec![3, 5],
            model: None,
        };
        assert_eq!((read.bytes(), read), (Some(60), expected));
        (0..words.len()).for_each(|n| assert!(Parameters::parse(&words[..n]).is_err(), "{n}"));
        let with_model: Vec<u32> = [1, 9, 0, 0, 0, 1 + 256, 1, 50].into_iter().chain(0x100..0x108).collect();
        let hash = Parameters::parse(&with_model).unwrap().model.unwrap().0;
        assert_eq!((hash[0], hash[1], hash[28]), (0, 1, 7));
        assert!(Parameters::parse(&with_model[..15]).is_err());
        for (i, bad) in [(0, 2), (1, 11), (1, 512), (2, 6), (4, u32::MAX), (5, 3), (6, 0), (6, 9)] {
            let mut words = words;
            words[i] = bad;
            assert!(Parameters::parse(&words).is_err(), "word {i} {bad}");
        }
    }
}
