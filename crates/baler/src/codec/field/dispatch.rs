//! The hot loops compiled for the processor at hand.

use std::marker::PhantomData;

use super::base::bands::Grouping;
use super::base::{self, Recipe};
use super::coding::Signal;
use super::context::Model;
use super::deep;
use super::domain::{Domain, Real};
use super::fast;
use super::fast::table::Tables;
use super::kernel::{Chunk, LANES, walk};
use super::learned;
use super::taps::{TAPS, Tap, fit, tap_count};
use crate::codec::bytes::Reader;
use crate::codec::range_coder::Coder;
use crate::cpu::{Cpu, Job, best};
use crate::error::Result;
use crate::model::field::FieldModel;

struct Walk<'a, D: Domain, C, M> {
    domain: D,
    coders: &'a mut [C; LANES],
    chunk: Chunk<'a, D::Value, D::Work>,
    model: PhantomData<M>,
}

impl<D: Domain, C: Coder, M: Model> Job for Walk<'_, D, C, M> {
    type Outcome = ();
    #[inline(always)]
    fn run(self, _: impl Cpu) {
        walk::<D, C, M>(self.domain, self.coders, self.chunk)
    }
}

/// [`walk`], as fast as this processor can.
pub fn plain_walk<M: Model, D: Domain, C: Coder>(
    domain: D,
    coders: &mut [C; LANES],
    chunk: Chunk<D::Value, D::Work>,
    portable: bool,
) {
    best(Walk { domain, coders, chunk, model: PhantomData::<M> }, portable)
}

struct Deep<'a, D: Domain, C> {
    domain: D,
    coder: &'a mut C,
    chunk: deep::Chunk<'a, D::Value, D::Work>,
}

impl<D: Domain, C: Coder> Job for Deep<'_, D, C> {
    type Outcome = ();
    #[inline(always)]
    fn run(self, _: impl Cpu) {
        deep::walk(self.domain, self.coder, self.chunk)
    }
}

/// [`deep::walk`], as fast as this processor can.
pub fn deep_walk<D: Domain, C: Coder>(
    domain: D,
    coder: &mut C,
    chunk: deep::Chunk<D::Value, D::Work>,
    portable: bool,
) {
    best(Deep { domain, coder, chunk }, portable)
}

struct Learned<'a, D: Domain, C> {
    domain: D,
    coders: &'a mut [C; LANES],
    chunk: learned::Chunk<'a, D::Value>,
    network: learned::Network<'a>,
}

impl<D: Domain, C: Coder> Job for Learned<'_, D, C> {
    type Outcome = ();
    #[inline(always)]
    fn run(mut self, _: impl Cpu) {
        learned::walk(self.domain, self.coders, self.chunk, &mut self.network)
    }
}

/// [`learned::walk`] by a model, as fast as this processor can.
pub fn learned_walk<D: Domain, C: Coder>(
    domain: D,
    coders: &mut [C; LANES],
    chunk: learned::Chunk<D::Value>,
    model: &FieldModel,
    portable: bool,
) {
    best(Learned { domain, coders, chunk, network: learned::Network::new(model, portable) }, portable)
}

struct Fit<'a, F> {
    signal: Signal<'a, F>,
    taps: &'a [Tap],
}

impl<F: Real> Job for Fit<'_, F> {
    type Outcome = Vec<i16>;
    #[inline(always)]
    fn run(self, _: impl Cpu) -> Vec<i16> {
        fit(self.signal, self.taps)
    }
}

/// [`fit`] of some taps, as fast as this processor can.
pub fn fit_taps<F: Real>(signal: Signal<F>, taps: &[Tap], portable: bool) -> Vec<i16> {
    best(Fit { signal, taps }, portable)
}

/// [`fit`] of the plain walk's taps, as fast as this processor can.
pub fn fit_plain<F: Real>(signal: Signal<F>, portable: bool) -> Vec<i16> {
    fit_taps(signal, &TAPS[..tap_count(signal.dims)], portable)
}

struct Write<'a, D: Domain>(&'a mut Vec<u8>, fast::Chunk<'a, D>);

impl<D: Domain> Job for Write<'_, D> {
    type Outcome = ();
    #[inline(always)]
    fn run(self, cpu: impl Cpu) {
        fast::encode(cpu, self.0, self.1)
    }
}

/// [`fast::encode`], as fast as this processor can.
pub fn fast_write<D: Domain>(out: &mut Vec<u8>, chunk: fast::Chunk<D>, portable: bool) {
    best(Write(out, chunk), portable)
}

struct Read<'a, D: Domain>(fast::Chunk<'a, D>, &'a Tables, &'a [u8], &'a [u8]);

impl<D: Domain> Job for Read<'_, D> {
    type Outcome = ();
    #[inline(always)]
    fn run(self, cpu: impl Cpu) {
        fast::decode(cpu, self.0, self.1, self.2, self.3)
    }
}

/// [`fast::decode`], as fast as this processor can.
pub fn fast_read<D: Domain>(
    chunk: fast::Chunk<D>,
    tables: &Tables,
    tokens: &[u8],
    raw: &[u8],
    portable: bool,
) {
    best(Read(chunk, tables, tokens, raw), portable)
}

struct Analyse<'a>(&'a mut [f32], [usize; 3], Grouping);

impl Job for Analyse<'_> {
    type Outcome = ();
    #[inline(always)]
    fn run(self, _: impl Cpu) {
        base::analyse(self.0, self.1, self.2)
    }
}

/// [`base::analyse`], as fast as this processor can.
pub fn base_analyse(v: &mut [f32], dims: [usize; 3], grouping: Grouping, portable: bool) {
    best(Analyse(v, dims, grouping), portable)
}

struct WriteBase<'a>(&'a mut Vec<u8>, &'a mut [f32], [usize; 3], Recipe);

impl Job for WriteBase<'_> {
    type Outcome = ();
    #[inline(always)]
    fn run(self, _: impl Cpu) {
        base::write(self.0, self.1, self.2, self.3)
    }
}

/// [`base::write`], as fast as this processor can.
pub fn base_write(out: &mut Vec<u8>, v: &mut [f32], dims: [usize; 3], recipe: Recipe, portable: bool) {
    best(WriteBase(out, v, dims, recipe), portable)
}

struct ReadBase<'a, 'r>(&'a mut Reader<'r>, [usize; 3]);

impl Job for ReadBase<'_, '_> {
    type Outcome = Result<Vec<f32>>;
    #[inline(always)]
    fn run(self, _: impl Cpu) -> Result<Vec<f32>> {
        base::read(self.0, self.1)
    }
}

/// [`base::read`], as fast as this processor can.
pub fn base_read(r: &mut Reader, dims: [usize; 3], portable: bool) -> Result<Vec<f32>> {
    best(ReadBase(r, dims), portable)
}
