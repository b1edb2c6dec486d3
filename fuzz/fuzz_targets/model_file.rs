//! Any bytes as a model file, and as a decoder embedded in an archive; what parses must run.
#![no_main]

use baler::model::Model;
use baler::model::autoencoder::Decoder;
use libfuzzer_sys::fuzz_target;

fn run(decoder: &Decoder) {
    if decoder.latents().max(decoder.features()) < 1 << 12 {
        let mut out = vec![0.0; decoder.features() * 3];
        let latents: Vec<i16> = (0..3 * decoder.latents()).map(|i| (i * 7919) as i16).collect();
        decoder.decode(&latents, &mut out).expect("as many latents and values as it asks for");
        assert!(out.iter().all(|x| x.is_finite()));
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(decoder) = Decoder::from_bytes(bytes) {
        run(&decoder);
        assert_eq!(decoder.to_bytes(), bytes);
    }
    if let Ok(model) = Model::from_bytes(bytes) {
        run(&model.frozen.decoder);
        assert!(Model::from_bytes(&model.to_bytes()).expect("its own bytes") == model);
    }
});
