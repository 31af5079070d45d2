//! Makes one drawing of the world of TopoJSON: a path for each country, named by its two letters. Knows nothing of where files are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Half the drawing's width, for 180 degrees.
const HALF_WIDTH: f64 = 500.0;
/// The northernmost and southernmost latitude that is drawn: Antarctica has no provider.
const NORTH: f64 = 84.0;
const SOUTH: f64 = -57.0;

/// The drawing: `borders` in TopoJSON, `codes` as a list of ISO 3166 letters and numbers.
pub(super) fn svg(borders: &str, codes: &str) -> Result<String> {
    let topology: Value = serde_json::from_str(borders)?;
    let codes: Vec<(String, String, String, String)> = serde_json::from_str(codes)?;
    let letters: BTreeMap<&str, &str> = codes.iter().map(|(letters, _, number, _)| (&**number, &**letters)).collect();
    let arcs = arcs(&topology)?;
    let height = (project(0.0, SOUTH).1).ceil();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\">\n<!-- Natural Earth 1:110m, public domain; by \
         `cargo xtask vendor` -->\n",
        HALF_WIDTH * 2.0
    );
    let countries =
        topology.pointer("/objects/countries/geometries").and_then(Value::as_array).context("no countries")?;
    for country in countries {
        let code = country.get("id").and_then(Value::as_str).and_then(|number| letters.get(number));
        if code == Some(&"AQ") {
            continue;
        }
        let path = path(country, &arcs)?;
        match code {
            Some(code) => writeln!(svg, "<path id=\"{code}\" d=\"{path}\"/>")?,
            None => writeln!(svg, "<path class=\"unnamed\" d=\"{path}\"/>")?,
        }
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Each border as points of the drawing.
fn arcs(topology: &Value) -> Result<Vec<Vec<(f64, f64)>>> {
    let pair = |value: &Value| Some((value.get(0)?.as_f64()?, value.get(1)?.as_f64()?));
    let scale = topology.pointer("/transform/scale").and_then(pair).context("no scale")?;
    let shift = topology.pointer("/transform/translate").and_then(pair).context("no translation")?;
    let arcs = topology.get("arcs").and_then(Value::as_array).context("no borders")?;
    let points = |arc: &Value| {
        let mut at = (0.0, 0.0);
        let steps = arc.as_array()?.iter().map(|step| {
            let (x, y) = pair(step)?;
            at = (at.0 + x, at.1 + y);
            Some(project(at.0 * scale.0 + shift.0, at.1 * scale.1 + shift.1))
        });
        steps.collect::<Option<Vec<_>>>()
    };
    arcs.iter().map(|arc| points(arc).context("a border cannot be read")).collect()
}

/// Plate carrée, squeezed at the parallel of 38°, where Seoul lies.
fn project(longitude: f64, latitude: f64) -> (f64, f64) {
    let unit = HALF_WIDTH / 180.0;
    let y = NORTH - latitude.clamp(SOUTH, NORTH);
    ((longitude + 180.0) * unit, y * unit * 1.15)
}

fn path(country: &Value, arcs: &[Vec<(f64, f64)>]) -> Result<String> {
    let shapes = country.get("arcs").and_then(Value::as_array).context("a country has no border")?;
    let rings: Vec<&Value> = match country.get("type").and_then(Value::as_str) {
        Some("MultiPolygon") => shapes.iter().filter_map(Value::as_array).flatten().collect(),
        _ => shapes.iter().collect(),
    };
    let mut path = String::new();
    for ring in rings {
        let mut last = None;
        for number in ring.as_array().context("a ring is none")? {
            let number = number.as_i64().context("a border has no number")?;
            // A border that is drawn backwards is named by its complement.
            let index = usize::try_from(if number < 0 { !number } else { number })?;
            let points = arcs.get(index).context("a border is missing")?;
            let ordered: Box<dyn Iterator<Item = &(f64, f64)>> =
                if number < 0 { Box::new(points.iter().rev()) } else { Box::new(points.iter()) };
            for (x, y) in ordered {
                let point = format!("{x:.1} {y:.1}");
                // A border that leaves on one side of the map goes on at the other: a shape of its own.
                let jumps = last.as_ref().is_some_and(|(last_x, _): &(f64, String)| (x - last_x).abs() > HALF_WIDTH);
                let verb = if last.is_none() || jumps { "M" } else { "L" };
                if last.as_ref().is_none_or(|(_, last)| *last != point) {
                    write!(path, "{verb}{point}")?;
                }
                last = Some((*x, point));
            }
        }
        path.push('Z');
    }
    Ok(path)
}
