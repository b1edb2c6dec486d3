//! Collider jets: a table with the columns, the types and the correlations of the real ones.
//!
//! A toy, not a simulation: every column follows a simple law that a physicist will recognise, drawn so that
//! what a codec can gain from other columns and from other rows is there to be gained. Columns bear
//! the names of CMS's NanoAOD.

use super::math::{exp2, log2, pow, sin_cos_turns};
use super::random::Random;
use crate::data::{Column, DType, Table, Values};

/// Where tracks are seen: beyond this pseudorapidity nothing charged is identified.
const TRACKER: f64 = 2.5;
/// The softest jet kept, GeV.
const THRESHOLD: f64 = 15.0;
/// What a column holds where it has nothing to say.
const UNMATCHED: f32 = -999.0;

/// Declares the row, and with it each column's name, type and order.
macro_rules! row {
    ($($field:ident $name:literal $variant:ident $ty:ty,)*) => {
        /// One jet.
        #[derive(Debug, Clone, Default)]
        struct Jet { $($field: $ty,)* }

        /// Columns under construction.
        #[derive(Default)]
        struct Columns { $($field: Vec<$ty>,)* }

        impl Columns {
            fn push(&mut self, jet: &Jet) {
                $(self.$field.push(jet.$field);)*
            }

            fn table(self) -> Table {
                Table { columns: vec![$(Column { name: $name.into(), values: Values::$variant(self.$field) }),*] }
            }
        }

        /// Name and type of each column that [`Jets`] makes, in order.
        pub const COLUMNS: &[(&str, DType)] = &[$(($name, DType::$variant)),*];
    };
}

row! {
    run "run" I32 i32,
    lumi "luminosityBlock" I32 i32,
    event "event" U64 u64,
    vertices "PV_npvs" I32 i32,
    met "MET_pt" F32 f32,
    trigger "HLT_PFJet60" Bool bool,
    index "Jet_index" U8 u8,
    pt "Jet_pt" F32 f32,
    eta "Jet_eta" F32 f32,
    phi "Jet_phi" F32 f32,
    mass "Jet_mass" F32 f32,
    area "Jet_area" F32 f32,
    charged_hadrons "Jet_chHEF" F32 f32,
    neutral_hadrons "Jet_neHEF" F32 f32,
    photons "Jet_neEmEF" F32 f32,
    electrons "Jet_chEmEF" F32 f32,
    muons "Jet_muEF" F32 f32,
    constituents "Jet_nConstituents" I32 i32,
    charged "Jet_nCharged" I32 i32,
    neutral "Jet_nNeutral" I32 i32,
    b_tag "Jet_btag" F32 f32,
    quark_gluon "Jet_qgl" F32 f32,
    id "Jet_jetId" U8 u8,
    flavour "Jet_partonFlavour" I32 i32,
    gen_pt "GenJet_pt" F32 f32,
    correction "Jet_jecFactor" F32 f32,
}

/// A stream of jets, event by event: one row a jet, the hardest of each event first.
///
/// Memory is that of the rows asked for; about 600 000 rows a second on one core.
#[derive(Debug, Clone)]
pub struct Jets {
    random: Random,
    run: i32,
    lumi: i32,
    event: u64,
    /// Jets of the latest event that have not been given yet, in reverse.
    waiting: Vec<Jet>,
}

impl Jets {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Jets {
        Jets { random: Random::new(seed), run: 359_022, lumi: 1, event: 1_204_117, waiting: vec![] }
    }

    /// The next `rows` rows. The blocks joined are the same table however it is cut.
    pub fn next_rows(&mut self, rows: usize) -> Table {
        let mut columns = Columns::default();
        for _ in 0..rows {
            while self.waiting.is_empty() {
                self.next_event();
            }
            columns.push(&self.waiting.pop().expect("not empty"));
        }
        columns.table()
    }

    /// Draws an event: its jets, then what they share.
    fn next_event(&mut self) {
        let random = &mut self.random;
        if random.chance(1.0 / 100_000.0) {
            (self.run, self.lumi) = (self.run + 1 + (random.exponential() * 40.0) as i32, 1);
        } else if random.chance(1.0 / 400.0) {
            self.lumi += 1;
        }
        self.event += 1 + (random.exponential() * 700.0) as u64;
        // Fewer collisions at once as the beams burn off.
        let pileup = 45.0 * exp2(-(self.lumi as f64) / 1000.0);
        let vertices = random.count(pileup, 1.5).max(1);

        let mut jets = vec![];
        let mut imbalance = (0.0, 0.0); // what mismeasured jets and the soft remainder leave over, GeV
        for parton in partons(random) {
            let (jet, excess) = measure(random, &parton, vertices);
            let (sin, cos) = sin_cos_turns(parton.phi);
            imbalance = (imbalance.0 - excess * cos, imbalance.1 - excess * sin);
            jets.extend(jet);
        }
        // Jets of pile-up: soft, and no parton to match.
        for _ in 0..random.count(vertices as f64 * 0.02, 1.0) {
            let pt = THRESHOLD * pow(random.uniform(), -1.0 / 6.0);
            let parton =
                Parton { pt, eta: 4.0 * (2.0 * random.uniform() - 1.0), phi: random.uniform(), flavour: 0 };
            jets.extend(measure(random, &parton, vertices).0);
        }
        jets.sort_by(|a, b| b.pt.total_cmp(&a.pt));
        let soft = (3.0 + 0.25 * vertices as f64).sqrt() * 2.0;
        let (x, y) = (imbalance.0 + soft * random.normal(), imbalance.1 + soft * random.normal());
        let hardest = jets.first().map_or(0.0, |j| j.pt as f64);
        let shared = Jet {
            run: self.run,
            lumi: self.lumi,
            event: self.event,
            vertices,
            met: (x * x + y * y).sqrt() as f32,
            trigger: random.chance(logistic((hardest - 60.0) / 4.0)),
            ..Jet::default()
        };
        for (index, jet) in jets.iter_mut().enumerate() {
            let Jet { run, lumi, event, vertices, met, trigger, .. } = shared;
            *jet = Jet { run, lumi, event, vertices, met, trigger, index: index as u8, ..jet.clone() };
        }
        jets.reverse();
        self.waiting = jets;
    }
}

/// `rows` rows of [`Jets`] as one table.
pub fn jets(rows: usize, seed: u64) -> Table {
    Jets::new(seed).next_rows(rows)
}

/// What a jet comes from: momentum across the beam in GeV, direction (phi in turns), flavour by its PDG
/// number (21 gluon, 1 to 5 quarks, 0 none).
struct Parton {
    pt: f64,
    eta: f64,
    phi: f64,
    flavour: i32,
}

/// Two hard partons back to back and some radiation.
fn partons(random: &mut Random) -> Vec<Parton> {
    // pt^-5, and a trigger that turns on at 40 GeV.
    let pt = loop {
        let pt = 18.0 * pow(random.uniform(), -0.25);
        if random.chance(logistic((pt - 40.0) / 5.0)) {
            break pt.min(3000.0);
        }
    };
    let phi = random.uniform();
    let boost = 1.1 * random.normal();
    let mut partons: Vec<Parton> = [(1.0, 0.0), (-1.0, 0.5)]
        .map(|(side, turn)| Parton {
            pt,
            eta: boost + side * 0.7,
            phi: phi + turn + 0.01 * random.normal(),
            flavour: flavour(random, pt),
        })
        .into();
    // Tops, Z and heavy quark pairs: one flavour for both.
    if random.chance(0.06) {
        let heavy = if random.chance(0.6) { 5 } else { 4 };
        (partons[0].flavour, partons[1].flavour) = (heavy, -heavy);
    }
    let mut rest = pt;
    for _ in 0..random.count(0.8 + 0.3 * log2(pt / 30.0).max(0.0), 1.0) {
        rest *= random.uniform().sqrt() * 0.8;
        let eta = boost + 1.3 * random.normal();
        partons.push(Parton { pt: rest, eta, phi: random.uniform(), flavour: flavour(random, rest) });
    }
    partons.retain(|p| p.eta > -4.7 && p.eta < 4.7);
    partons
}

/// Gluons where soft, light quarks where hard, heavy ones now and then.
fn flavour(random: &mut Random, pt: f64) -> i32 {
    if random.chance(1.0 / (1.2 + pt / 250.0)) {
        return 21;
    }
    let u = random.uniform();
    let quark = [(0.45, 2), (0.72, 1), (0.84, 3), (0.94, 4)].iter().find(|q| u < q.0).map_or(5, |q| q.1);
    if random.chance(0.6) { quark } else { -quark }
}

/// The jet that a detector makes of a parton, if above threshold, and how much it measured in excess, GeV.
fn measure(random: &mut Random, parton: &Parton, vertices: i32) -> (Option<Jet>, f64) {
    let Parton { pt: gen_pt, eta, phi, flavour } = *parton;
    let central = eta.abs() < TRACKER;
    let gluon = flavour == 21 || flavour == 0;
    // Noise of pile-up, sampling, constant term; undetected neutrinos from heavy quarks.
    let noise = 0.35 * (vertices as f64).sqrt();
    let width = (noise * noise / (gen_pt * gen_pt) + 0.8 / gen_pt + 0.0016).sqrt();
    let heavy = matches!(flavour.abs(), 4 | 5);
    let leptonic = heavy && random.chance(0.3);
    let lost = if leptonic { 0.12 * random.uniform() } else { 0.0 };
    let pt = gen_pt * (1.0 - lost) * (1.0 + width * random.normal()).max(0.1);
    if pt < THRESHOLD {
        return (None, 0.0);
    }
    let eta = eta + 0.02 * random.normal();
    let turns = phi - (phi + 0.5).floor();

    let hardness = log2(pt / 15.0);
    let mean = (7.0 + 4.5 * hardness) * if gluon { 1.5 } else { 1.0 } * (1.0 - 0.08 * eta.abs());
    let constituents = random.count(mean + 0.08 * vertices as f64, 1.8).max(1);
    let charged = if central { (constituents as f64 * (0.58 + 0.09 * random.normal())) as i32 } else { 0 };
    let charged = charged.clamp(0, constituents);

    // Shares: gamma-like draws, made to sum to one; leptons are rare except in heavy flavour.
    let mut share = |mean: f64| mean * random.log_normal(0.45);
    let mut shares = [if charged > 0 { share(0.6) } else { 0.0 }, share(0.13), share(0.27), 0.0, 0.0];
    if constituents == charged {
        (shares[1], shares[2]) = (0.0, 0.0);
    }
    if central && random.chance(if leptonic { 0.5 } else { 0.02 }) {
        shares[3] = 0.3 * random.uniform();
    } else if central && random.chance(if leptonic { 0.9 } else { 0.01 }) {
        shares[4] = 0.4 * random.uniform();
    }
    let sum = shares.iter().sum::<f64>();
    let [charged_hadrons, neutral_hadrons, photons, electrons, muons] = shares.map(|s| (s / sum) as f32);

    let b_score = 1.6 * random.normal()
        + [(5, 3.0), (4, -0.8)].iter().find(|f| f.0 == flavour.abs()).map_or(-3.6, |f| f.1);
    let b_tag = match charged {
        _ if !central => -1.0,
        0 => 0.0,
        _ => score(b_score),
    };
    let many = constituents as f64 / ((7.0 + 4.5 * hardness) * 1.25) - 1.0;
    let quark_gluon = if charged < 2 { -1.0 } else { score(-5.0 * many + 1.2 * random.normal()) };
    let tight = neutral_hadrons < 0.9 && photons < 0.9 && constituents > 1 && (charged > 0 || !central);
    let lepton_veto = tight && muons < 0.8 && electrons < 0.8;

    let mass =
        pt * 0.4 * (0.11 + 0.05 / (1.0 + hardness)) * if gluon { 1.9 } else { 1.5 } * random.log_normal(0.32);
    let jet = Jet {
        pt: pt as f32,
        eta: eta as f32,
        phi: (turns * std::f64::consts::TAU) as f32,
        mass: if constituents == 1 { 0.0 } else { mass as f32 },
        // A hard jet is a disc of radius 0.4; a soft one frays.
        area: (0.5027 + (0.015 + 0.3 / pt) * random.normal()).max(0.1) as f32,
        charged_hadrons,
        neutral_hadrons,
        photons,
        electrons,
        muons,
        constituents,
        charged,
        neutral: constituents - charged,
        b_tag,
        quark_gluon,
        id: 2 * tight as u8 + 4 * lepton_veto as u8,
        flavour,
        gen_pt: if flavour == 0 { UNMATCHED } else { gen_pt as f32 },
        correction: correction(pt, eta, vertices) as f32,
        ..Jet::default()
    };
    (Some(jet), pt - gen_pt)
}

/// The energy correction: smooth in pt, eta and pile-up, with the detector's edge at 3 to be seen.
fn correction(pt: f64, eta: f64, vertices: i32) -> f64 {
    let edge = (eta.abs() - 2.9) / 0.25;
    0.98 + 3.0 / (log2(pt) * log2(pt)) + 0.006 * eta * eta + 0.09 / (1.0 + edge * edge)
        - 0.02 * vertices as f64 / pt
}

/// The logistic function, 1 / (1 + e^-x).
fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + exp2(-std::f64::consts::LOG2_E * x.clamp(-50.0, 50.0)))
}

/// A classifier's output: it saturates, so both ends collect exact zeros and ones.
fn score(x: f64) -> f32 {
    (1.04 * logistic(x) - 0.02).clamp(0.0, 1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(table: &Table, name: &str) -> Vec<f64> {
        table.columns.iter().find(|c| c.name == name).unwrap().values.to_f64().unwrap()
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let n = a.len() as f64;
        let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
        let (ma, mb) = (mean(a), mean(b));
        let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - ma, b - mb)).sum::<f64>();
        sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
    }

    #[test]
    fn columns_are_as_declared() {
        let table = jets(1000, 1);
        assert_eq!(table.rows(), 1000);
        let made: Vec<_> = table.columns.iter().map(|c| (c.name.as_str(), c.values.dtype())).collect();
        assert_eq!(made, COLUMNS);
    }

    #[test]
    fn table_is_the_same_however_it_is_cut() {
        let whole = jets(2000, 9);
        for block in [1, 7, 999, 2000] {
            let mut stream = Jets::new(9);
            let mut joined = stream.next_rows(0);
            for start in (0..2000).step_by(block) {
                let more = stream.next_rows(block.min(2000 - start));
                for (column, more) in joined.columns.iter_mut().zip(&more.columns) {
                    column.values.append(&more.values).unwrap();
                }
            }
            assert_eq!(joined, whole, "blocks of {block}");
        }
    }

    /// The bits of a given seed, wherever this runs.
    #[test]
    fn table_is_reproducible() {
        let mut bytes = vec![];
        jets(5000, 1).columns.iter().for_each(|c| c.values.write_le_bytes(&mut bytes));
        assert_eq!(crc32fast::hash(&bytes), 4215716450);
        assert_ne!(jets(100, 1), jets(100, 2));
    }

    #[test]
    fn shares_sum_to_one_and_counts_add_up() {
        let table = jets(20_000, 3);
        let parts =
            ["chHEF", "neHEF", "neEmEF", "chEmEF", "muEF"].map(|p| column(&table, &format!("Jet_{p}")));
        let counts = ["nCharged", "nNeutral", "nConstituents"].map(|p| column(&table, &format!("Jet_{p}")));
        for row in 0..table.rows() {
            assert!(parts.iter().all(|p| (0.0..=1.0).contains(&p[row])), "row {row}");
            assert!((parts.iter().map(|p| p[row]).sum::<f64>() - 1.0).abs() < 1e-6, "row {row}");
            assert_eq!(counts[0][row] + counts[1][row], counts[2][row], "row {row}");
        }
        for values in table.columns.iter().filter_map(|c| c.values.to_f64()) {
            assert!(values.iter().all(|v| v.is_finite()));
        }
    }

    #[test]
    fn events_share_and_sort() {
        let table = jets(20_000, 4);
        let [event, met, pt, index] = ["event", "MET_pt", "Jet_pt", "Jet_index"].map(|c| column(&table, c));
        for row in 1..table.rows() {
            if event[row] == event[row - 1] {
                assert!(
                    met[row] == met[row - 1] && pt[row] <= pt[row - 1] && index[row] == index[row - 1] + 1.0
                );
            } else {
                assert!(event[row] > event[row - 1] && index[row] == 0.0);
            }
        }
        let events = index.iter().filter(|&&i| i == 0.0).count();
        assert!((2.0..6.0).contains(&(table.rows() as f64 / events as f64)), "{events} events");
    }

    #[test]
    fn spectrum_turns_on_then_falls() {
        let table = jets(50_000, 5);
        let (pt, index) = (column(&table, "Jet_pt"), column(&table, "Jet_index"));
        let leading: Vec<f64> = pt.iter().zip(&index).filter(|p| *p.1 == 0.0).map(|p| *p.0).collect();
        let count = |low: f64, high: f64| leading.iter().filter(|&&p| p >= low && p < high).count();
        assert!(count(20.0, 30.0) < count(35.0, 45.0), "turn-on");
        for low in [50.0, 70.0, 100.0, 140.0] {
            assert!(count(low, low * 1.4) > 2 * count(low * 1.4, low * 1.96), "falls at {low}");
        }
    }

    #[test]
    fn columns_know_of_each_other() {
        let table = jets(50_000, 6);
        let matched: Vec<bool> = column(&table, "GenJet_pt").iter().map(|&p| p > 0.0).collect();
        let central: Vec<bool> = column(&table, "Jet_eta").iter().map(|e| e.abs() < TRACKER).collect();
        let pick = |name: &str| -> Vec<f64> {
            let values = column(&table, name);
            (0..values.len()).filter(|&i| matched[i] && central[i]).map(|i| values[i]).collect()
        };
        for (a, b, low, high) in [
            ("Jet_pt", "GenJet_pt", 0.9, 1.0),
            ("Jet_pt", "Jet_mass", 0.7, 0.99),
            ("Jet_pt", "Jet_nConstituents", 0.3, 0.9),
            ("Jet_nConstituents", "Jet_qgl", -0.9, -0.3),
            ("Jet_chHEF", "Jet_neEmEF", -0.95, -0.4),
            ("Jet_pt", "Jet_jecFactor", -0.9, -0.1),
            ("Jet_pt", "MET_pt", 0.1, 0.9),
        ] {
            let r = correlation(&pick(a), &pick(b));
            assert!((low..high).contains(&r), "{a} and {b}: {r}");
        }
        let is_b: Vec<f64> =
            pick("Jet_partonFlavour").iter().map(|f| (f.abs() == 5.0) as u8 as f64).collect();
        assert!(correlation(&is_b, &pick("Jet_btag")) > 0.5);
        let spikes = column(&table, "Jet_btag").iter().filter(|&&b| b == 0.0 || b == 1.0).count();
        assert!(spikes > table.rows() / 20, "{spikes} saturated");
        assert!(matched.iter().filter(|&&m| !m).count() > table.rows() / 50);
    }
}
