//! The examples that close each command's help: typical uses, copied and run as they are.

/// All of them.
pub const ALL: &str = "Examples:
  baler demo                                        see it work
  baler compress u.npy -o u.blr --rel 1e-3          off by at most a thousandth of the range
  baler compress raw.f32 --shape 64,512,512 -o u.blr --abs 0.01
  baler compress events.csv -o events.blr --std 1e-3 --bound weight=lossless
  baler decompress u.blr -o u2.npy --select 10:20
  baler plot u.npy u.blr -o look.pdf                see what was lost
  baler train sample.npz -o model.safetensors --model AE --ratio 1.6
  baler compress big.npz -o big.blr --std 1e-3 --model model.safetensors
  baler --project CMS particles --mode train         Baler's projects, in a folder with workspaces/

`baler help COMMAND` tells more, with examples.

Exit codes: 0 done, 1 a check failed, 2 wrong use, 3 input that cannot be read or is damaged,
or output that cannot be written.";

/// `baler compress`.
pub const COMPRESS: &str = "Examples:
  baler compress u.npy -o u.blr --rel 1e-3            off by at most a thousandth of the range
  baler compress a.npy b.npy -o ab.blr --abs 0.01     several files in one archive
  baler compress u.f32 --shape 64,512,512 -o u.blr --psnr 80
  baler compress events.csv -o e.blr --std 1e-3 --bound pt=abs:0.01 --bound weight=lossless
  baler compress events.npz -o e.blr --lossless --bound pt=abs:1e-3
  baler compress events.csv -o e.blr --std 1e-3 --bounds bounds.toml
  baler compress big.npz -o big.blr --std 1e-3 --model model.safetensors
  baler compress cfd.npz -o cfd.blr --bound-none --codec autoencoder --model model.safetensors

There is no default bound: say how far off values may come back. Within any bound NaN,
infinities and fill values come back exactly, and so do a table's integers, truth values and
texts unless --bound or --bounds names them. A file of bounds has lines such as
    pt = \"std:1e-3\"
    weight = \"lossless\"
    \"jet.eta\" = \"abs:0.01\"       # other than letters, digits, - and _ are in quotes
A model is used where it makes the archive smaller, its own bytes counted. With a model of a
table's columns (`baler train --kind table`) the bound may be left out: it is then the one that
the model was trained for, in the data's units.";

/// `baler decompress`.
pub const DECOMPRESS: &str = "Examples:
  baler decompress u.blr -o u.npy
  baler decompress u.blr -o part.npy --select 10:20     rows 10 to 19, and little else is read
  baler decompress ab.blr -o b.npy --variable b
  baler decompress e.blr -o e.csv
  baler decompress e.blr -o two.csv --columns eta,pt --select 1000:2000
  baler decompress u.blr -o - --format f32 | ./analyse
  baler decompress big.blr -o big.npz --model model.safetensors
  baler decompress compressed.npz -o data.npz --model model.pt          of Baler's Python prototype
  baler decompress compressed.npz -o data.npz --model model.pt --frame 50,50

Columns are decoded with those that they are coded given (`baler info` shows them) and no others.
Read whole, a chunk is checked against the checksum of its decoded values; of some columns only
the stored bytes are checked.";

/// `baler info`.
pub const INFO: &str = "Examples:
  baler info u.blr
  baler info u.blr --json | jq .ratio
  baler info events.blr --model table.safetensors       with a model beside it: what explains the columns that it codes
  baler info model.safetensors";

/// `baler verify`.
pub const VERIFY: &str = "Examples:
  baler verify u.blr                                    every chunk decodes, every checksum fits
  baler verify u.blr --against u.npy                    and every value is within its bound
  baler verify ab.blr --against a.npy b.npy --json

Exit code 1 where a bound is broken, 3 where the archive is damaged.";

/// `baler plot`.
pub const PLOT: &str = "Examples:
  baler plot events.csv events.blr -o comparison.pdf      residuals of all columns, then a page a column
  baler plot events.csv events.blr -o pt.svg --columns pt
  baler plot u.npy u.blr -o look.png                      the frame that lost most, and the histograms
  baler plot u.npy u.blr -o frames.pdf --frame 10:20      a page each
  baler plot u.npy u.blr -o slice.png --axes 0,2 --frame 5    another way through a volume
  baler plot u.npy u.blr -o u.gif --fps 20                all frames, moving; .apng in all colours
  baler plot u.npy decoded.npy -o look.pdf                of decoded data no bound is known
  baler plot model.safetensors -o loss.pdf                how the training went

A PDF has a page for each picture. An SVG or PNG is one file with all of them on a sheet, or with
--pages a file each, numbered: look-01.png, look-02.png and so on. Differences beyond the bound, and
values that became missing, are magenta; missing values are grey.";

/// `baler diagnose`.
pub const DIAGNOSE: &str = "Examples:
  baler diagnose model.safetensors sample.npz -o diagnostics.pdf
  baler diagnose activations.npy -o diagnostics.png       as the Python prototype kept them

Layers across, nodes up, in the units that the network sees: those of normalised values.";

/// `baler salvage`.
pub const SALVAGE: &str = "Examples:
  baler salvage cut.blr -o rescued.npy
  baler salvage cut.blr -o rescued.npz --json

Exit code 1 where something is lost.";

/// `baler train`.
pub const TRAIN: &str = "Examples:
  baler train events.npz -o model.safetensors --ratio 1.6
  baler train cfd.npz -o model.safetensors --model CFD_dense_AE --latent 25 --epochs 500
  baler train cfd.npz -o model.safetensors --model Conv_AE --batch-size 16
  baler train events.csv -o model.safetensors --columns pt,eta,phi --seed 7 --normalisation auto
  baler train cfd.npz -o model.safetensors --epochs 500 --resume      go on where it was stopped
  baler train cfd.npz -o model.safetensors --model mine.toml --latent 30
  baler train --kind table sample.npz --std 1e-3 --bound pt=abs:0.01 -o table.safetensors

A table is trained on row by row, a field frame by frame along its leading axis. A model of a
table's columns (--kind table) is trained for the bounds that it is given.

A model of one's own is two lists of layers; sizes may be \"latents\" or \"features\":
    [[encoder]]
    kind = \"conv\"                # on frames: [1, height, width]
    channels = 8
    kernel = [3, 3]
    stride = [2, 2]               # 1 where left out
    padding = [1, 1]              # 0 where left out
    [[encoder]]
    kind = \"leaky_relu\"
    slope = 0.1
    [[encoder]]
    kind = \"flatten\"
    [[encoder]]
    kind = \"dense\"
    outputs = \"latents\"
    [[decoder]]
    kind = \"dense\"
    outputs = \"features\"
Others: conv_transposed (as conv, and output_padding), batch_norm, dropout (rate), relu, gelu,
gdn (inverse), reshape (shape), transformer (feed_forward, norm_first; `sequence` at the top says
how many consecutive rows see each other). They compute as PyTorch's do.

Ctrl-C ends the training with its epoch and leaves MODEL.checkpoint for --resume.";

/// `baler compare`.
pub const COMPARE: &str = "Examples:
  baler compare u.npy --rel 1e-3                         plain codecs at each level, and lossless
  baler compare events.csv --std 1e-3 --model model.safetensors
  baler compare u.f32 --shape 64,512,512 --abs 0.01 --json

Archives are made and checked in a temporary folder, and taken away. Exit code 1 where a bound is broken.";

/// `baler new`.
pub const NEW: &str = "Examples:
  baler new CMS particles                       makes workspaces/CMS/particles
  baler --project CMS particles --mode train    then compress, decompress, plot, info, compare

Its settings, each explained, are in config/particles_config.toml. A project that exists is left as
it is. Modes: newProject, train, compress, decompress, plot, info, diagnose, compare,
convert_with_hls4ml.";

/// `baler import`.
pub const IMPORT: &str = "Examples:
  baler import model.pt -o model.safetensors --calibrate compressed.npz
  baler import model.pt -o m.safetensors --normalization normalization_features.npy
  baler import model.pt -o model.safetensors --model CFD_dense_AE --calibrate frames.npz
  baler import weights.safetensors -o model.safetensors --model mine.toml --calibrate sample.npz
  baler import encoder.pt --decoder decoder.pt -o m.safetensors --model Conv_AE --calibrate f.npy
  baler import autoencoder.onnx -o model.safetensors --calibrate sample.npz --latents bottleneck
  baler import encoder.onnx --decoder decoder.onnx -o model.safetensors --calibrate sample.npz

The file is read without Python, and nothing in it is executed. The model is frozen to integers,
whose scales are chosen on the data of --calibrate, and the difference is told. Tensors are found by
the names that `baler train` gives them (encoder.0.weight: those of a torch.nn.Sequential), or in the
order of a .pt file.";

/// `baler export`.
pub const EXPORT: &str = "Examples:
  baler export model.safetensors -o model.onnx
  baler export model.safetensors -o decoder.onnx --part decoder
  baler export model.safetensors -o exact.onnx --integer      gives the bits that an archive decodes to

Graphs take rows x features in the data's units (f64, any number of rows). Model files are safetensors themselves:
their float tensors are read with any program that knows the format.";

/// `baler import-config`.
pub const IMPORT_CONFIG: &str = "Examples:
  baler import-config P_config.py -o P_config.toml
  baler import-config P_config.py -o - | less

Nothing is executed: what is no assignment of a literal is an error with its line and column.";

/// `baler synth`.
pub const SYNTH: &str = "Examples:
  baler synth flow --size 60,50,50 -o flow.npy
  baler synth jets --size 100000 -o jets.csv --seed 7";

/// `baler demo`.
pub const DEMO: &str = "Examples:
  baler demo
  baler demo -o /tmp/demo --quick                       less data, short training: seconds
  baler demo --json";

/// `baler completions`.
pub const COMPLETIONS: &str = "Examples:
  baler completions bash > ~/.local/share/bash-completion/completions/baler
  baler completions zsh > ~/.zfunc/_baler
  baler completions fish > ~/.config/fish/completions/baler.fish";
