//! Graphs under construction: nodes in order, each value named once.

use super::proto::{
    Attribute, DOUBLE, Dimension, Entry, Extent, FLOAT, Graph, INT64, Model, Node, OF_FLOAT, OF_INT, OF_INTS,
    OperatorSet, Shape, Tensor, TensorType, Type, ValueInfo,
};

/// The operator set that nodes are of: the first with layer normalisation; PyTorch and onnxruntime have read it since
/// 2022.
const OPSET: i64 = 17;
/// The file layout that goes with it.
const IR_VERSION: i64 = 8;

/// A graph to be.
#[derive(Default)]
pub struct Builder {
    graph: Graph,
}

/// An attribute of a node.
pub fn float(name: &str, f: f32) -> Attribute {
    Attribute { name: name.into(), f, r#type: OF_FLOAT, ..Attribute::default() }
}

/// An attribute of a node.
pub fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.into(), i, r#type: OF_INT, ..Attribute::default() }
}

/// An attribute of a node.
pub fn ints(name: &str, values: impl IntoIterator<Item = usize>) -> Attribute {
    let ints = values.into_iter().map(|v| v as i64).collect();
    Attribute { name: name.into(), ints, r#type: OF_INTS, ..Attribute::default() }
}

impl Builder {
    /// Adds a node of one output; its name.
    pub fn node(&mut self, op: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
        let name = format!("{}_{}", op.to_lowercase(), self.graph.node.len());
        self.graph.node.push(Node {
            input: inputs.iter().map(|i| i.to_string()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: op.into(),
            attribute,
            domain: String::new(),
        });
        name
    }

    fn constant(&mut self, name: &str, data_type: i32, shape: &[usize], raw_data: Vec<u8>) -> String {
        let name = match self.graph.initializer.iter().any(|t| t.name == name) {
            true => format!("{name}_{}", self.graph.initializer.len()),
            false => name.into(),
        };
        let dims = shape.iter().map(|&n| n as i64).collect();
        self.graph.initializer.push(Tensor {
            dims,
            data_type,
            name: name.clone(),
            raw_data,
            ..Tensor::default()
        });
        name
    }

    /// Adds constants of single precision; their name, which may get a number.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.constant(name, FLOAT, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// Adds constants of double precision; their name, which may get a number.
    pub fn doubles(&mut self, name: &str, shape: &[usize], values: &[f64]) -> String {
        self.constant(name, DOUBLE, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// Adds whole constants; their name, which may get a number.
    pub fn integers(&mut self, name: &str, shape: &[usize], values: &[i64]) -> String {
        self.constant(name, INT64, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// `x` in another shape; the first axis, of rows, follows.
    pub fn reshape(&mut self, x: &str, shape: &[usize]) -> String {
        let to: Vec<i64> = std::iter::once(-1).chain(shape.iter().map(|&n| n as i64)).collect();
        let to = self.integers("shape", &[to.len()], &to);
        self.node("Reshape", &[x, &to], vec![])
    }

    /// `x` in another type.
    pub fn cast(&mut self, x: &str, to: i32) -> String {
        self.node("Cast", &[x], vec![int("to", to as i64)])
    }

    /// Names an input: any number of rows of that width.
    pub fn input(&mut self, name: &str, of: i32, width: usize) {
        self.graph.input.push(rows(name, of, width));
    }

    /// Gives a value out by a name of its own: any number of rows of that width.
    pub fn output(&mut self, value: &str, name: &str, of: i32, width: usize) {
        self.graph.node.push(Node {
            input: vec![value.into()],
            output: vec![name.into()],
            name: format!("give_{name}"),
            op_type: "Identity".into(),
            ..Node::default()
        });
        self.graph.output.push(rows(name, of, width));
    }

    /// The model; `about` is kept as metadata.
    pub fn finish(mut self, name: &str, about: &[(&str, String)]) -> Model {
        self.graph.name = name.into();
        let entry = |(key, value): &(&str, String)| Entry { key: key.to_string(), value: value.clone() };
        Model {
            ir_version: IR_VERSION,
            producer_name: "baler".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            doc_string: String::new(),
            graph: Some(self.graph),
            opset_import: vec![OperatorSet { domain: String::new(), version: OPSET }],
            metadata_props: about.iter().map(entry).collect(),
        }
    }
}

fn rows(name: &str, elem_type: i32, width: usize) -> ValueInfo {
    let dim = |value| Dimension { value: Some(value) };
    let shape = Shape { dim: vec![dim(Extent::Name("rows".into())), dim(Extent::Value(width as i64))] };
    let tensor_type = Some(TensorType { elem_type, shape: Some(shape) });
    ValueInfo { name: name.into(), r#type: Some(Type { tensor_type }) }
}
