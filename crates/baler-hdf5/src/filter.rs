//! A chunk's bytes to an archive and back.

use crate::models::load;
use crate::parameters::Parameters;
use baler::archive::header::Kind;
use baler::archive::{Archive, Input, Options, compress};
use baler::data::{Array, Values};
use baler::error::{Error, Result};
use baler::model::any::AnyModel;
use std::io::Cursor;

/// Big-endian numbers of `size` bytes to little-endian ones; its own inverse.
fn swap(bytes: &mut [u8], size: usize) {
    bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
}

/// The archive of a chunk.
pub fn encode(parameters: &Parameters, bytes: &[u8]) -> Result<Vec<u8>> {
    if parameters.bytes() != Some(bytes.len()) {
        return Err(Error::invalid(format!(
            "a chunk of {} bytes is no {} {:?}, which the filter's parameters tell",
            bytes.len(),
            parameters.dtype,
            parameters.shape
        )));
    }
    let values = match (parameters.big_endian, parameters.dtype.size()) {
        (true, Some(size)) if size > 1 => {
            let mut little = bytes.to_vec();
            swap(&mut little, size);
            Values::from_le_bytes(parameters.dtype, &little)?
        }
        _ => Values::from_le_bytes(parameters.dtype, bytes)?,
    };
    let array = Array::new(parameters.shape.clone(), values)?;
    let model = parameters.model.map(load).transpose()?;
    let options = Options {
        bound: Some(parameters.bound),
        level: parameters.level,
        model: model.as_deref().map(AnyModel::lend), // of tables, it is an error: a chunk is none
        embed: false,
        ..Options::default()
    };
    let mut out = vec![];
    compress(vec![Input::Field("chunk".into(), Box::new(array))], &options, &mut out)?;
    Ok(out)
}

/// The bytes of the chunk that `encode` made an archive of. Errors where it is damaged or another chunk's.
pub fn decode(parameters: &Parameters, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut archive = Archive::open(Cursor::new(bytes), &[])?;
    if let Some(reference) = archive.header().models.iter().find(|m| !m.embedded) {
        let decoder = load(reference.hash)?.decoder();
        archive = Archive::open(Cursor::new(bytes), &[decoder])?;
    }
    let expected = |kind: &Kind| match kind {
        Kind::Field(f) => f.dtype == parameters.dtype && f.shape == parameters.shape,
        Kind::Table(_) => false,
    };
    let [variable] = &archive.header().variables[..] else {
        return Err(Error::corrupt("the chunk is no archive of one field"));
    };
    let Kind::Field(field) = variable.kind.clone() else {
        return Err(Error::corrupt("the chunk is no archive of one field"));
    };
    if !expected(&variable.kind) {
        return Err(Error::corrupt(
            "the chunk is of another type or shape than the filter's parameters tell",
        ));
    }
    let mut bytes = vec![];
    archive.field_rows(0, &field, None, 1, |values| Ok(values.write_le_bytes(&mut bytes)))?;
    match parameters.dtype.size() {
        Some(size) if parameters.big_endian && size > 1 => swap(&mut bytes, size),
        _ => {}
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use baler::archive::Level;
    use baler::bound::Bound;
    use baler::data::DType;

    #[test]
    fn chunks_come_back_in_either_byte_order() {
        let numbers: Vec<f64> = (0..600).map(|i| (i as f64 * 0.01).sin()).collect();
        for big_endian in [false, true] {
            let bytes: Vec<u8> = numbers
                .iter()
                .flat_map(|x| if big_endian { x.to_be_bytes() } else { x.to_le_bytes() })
                .collect();
            let mut parameters = Parameters {
                dtype: DType::F64,
                big_endian,
                bound: Bound::Lossless,
                level: Level::Default,
                shape: vec![20, 30],
                model: None,
            };
            let archive = encode(&parameters, &bytes).unwrap();
            assert_eq!(decode(&parameters, &archive).unwrap(), bytes);
            assert!(encode(&parameters, &bytes[8..]).is_err());
            for cut in 0..archive.len() {
                assert!(decode(&parameters, &archive[..cut]).is_err());
            }
            parameters.shape = vec![30, 20];
            assert!(decode(&parameters, &archive).is_err());
        }
    }
}
