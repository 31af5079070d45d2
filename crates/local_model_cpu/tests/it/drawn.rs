//! Weights of goldens, drawn again from the names of their tensors. It must not know networks.

use serde_json::Value;

use crate::blocks::Random;

/// A tensor of a golden, as GGUF has it.
pub(crate) struct Drawn {
    pub(crate) name: String,
    /// Columns first.
    pub(crate) dims: Vec<u64>,
    pub(crate) values: Vec<f32>,
}

/// Draws a tensor as the golden's maker does.
pub(crate) fn drawn(tensor: &Value) -> Drawn {
    let name = tensor["name"].as_str().unwrap().to_owned();
    if let Some(values) = tensor["values"].as_array() {
        let values: Vec<f32> = values.iter().map(|value| value.as_f64().unwrap() as f32).collect();
        return Drawn { name, dims: vec![values.len() as u64], values };
    }
    let dims: Vec<u64> = tensor["dims"].as_array().unwrap().iter().map(|dim| dim.as_u64().unwrap()).collect();
    let (spread, centre) = (tensor["spread"].as_f64().unwrap() as f32, tensor["centre"].as_f64().unwrap() as f32);
    let mut random = Random(fnv_1a(&name));
    let values = (0..dims.iter().product::<u64>()).map(|_| random.float() * spread + centre).collect();
    Drawn { name, dims, values }
}

pub(crate) fn fnv_1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
