//! A function of all combinations as a decision diagram: variables that make no difference drop out, so that what is left tells
//! by which facts it is decided. Must not know what the function's values mean.

use std::collections::HashMap;

use crate::space::Variable;
use crate::survey::Order;

/// The facts on a way through the diagram: for each variable that matters the values that go this way.
pub(crate) type Path = Vec<(Variable, Vec<u16>)>;

/// A number below the leaves' is that of a value; above, of a node.
type Child = u32;

/// A function from combinations to numbers.
pub(crate) struct Diagram {
    /// The variables, in their order, with how many values each has.
    variables: Vec<(Variable, u16)>,
    nodes: Nodes,
    root: Child,
    /// Values are below this number.
    leaves: u32,
}

#[derive(Clone, Default)]
struct Nodes {
    list: Vec<(usize, Vec<Child>)>,
    known: HashMap<(usize, Vec<Child>), Child>,
}

impl Nodes {
    /// A node; the child itself where all are the same.
    fn of(&mut self, level: usize, children: Vec<Child>, leaves: u32) -> Child {
        if let Some(first) = children.first().copied().filter(|first| children.iter().all(|child| child == first)) {
            return first;
        }
        let next = leaves.saturating_add(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let key = (level, children);
        if let Some(number) = self.known.get(&key) {
            return *number;
        }
        self.list.push(key.clone());
        self.known.insert(key, next);
        next
    }

    fn get(&self, child: Child, leaves: u32) -> Option<&(usize, Vec<Child>)> {
        self.list.get(child.checked_sub(leaves)? as usize)
    }
}

impl Diagram {
    /// Of the values of all cells.
    pub(crate) fn of(order: &Order, cells: &[u32]) -> Self {
        let leaves = cells.iter().max().map_or(1, |most| most.saturating_add(1));
        let variables = order.places().iter().map(|(variable, values, _)| (*variable, *values)).collect();
        let mut nodes = Nodes::default();
        let mut level: Vec<Child> = cells.to_vec();
        // From the last variable to the first: what differs only in it becomes one node.
        for (number, (_, values, _)) in order.places().iter().enumerate().rev() {
            let children = level.chunks(usize::from(*values).max(1));
            level = children.map(|children| nodes.of(number, children.to_vec(), leaves)).collect();
        }
        let root = level.first().copied().unwrap_or_default();
        Self { variables, nodes, root, leaves }
    }

    /// Functions of yes and no that are made of this one.
    pub(crate) fn shapes(&self) -> Shapes<'_> {
        Shapes { diagram: self, nodes: Nodes::default() }
    }
}

/// Functions of yes (1) and no (0); equal ones have the same number.
pub(crate) struct Shapes<'d> {
    diagram: &'d Diagram,
    nodes: Nodes,
}

impl Shapes<'_> {
    /// Where the value of the diagram is one for which `holds` says yes.
    pub(crate) fn of(&mut self, holds: &impl Fn(u32) -> bool) -> u32 {
        self.project(self.diagram.root, holds, &mut HashMap::new())
    }

    fn project(&mut self, child: Child, holds: &impl Fn(u32) -> bool, done: &mut HashMap<Child, Child>) -> Child {
        if let Some(there) = done.get(&child) {
            return *there;
        }
        let diagram = self.diagram;
        let projected = match diagram.nodes.get(child, diagram.leaves) {
            Some((level, children)) => {
                let children = children.iter().map(|child| self.project(*child, holds, done)).collect();
                self.nodes.of(*level, children, 2)
            }
            None => u32::from(holds(child)),
        };
        done.insert(child, projected);
        projected
    }

    /// The ways on which a function is yes, at most so many.
    pub(crate) fn paths(&self, shape: u32, most: usize) -> Vec<Path> {
        let mut paths = Vec::new();
        self.follow(shape, &mut Vec::new(), most, &mut paths);
        paths
    }

    fn follow(&self, child: Child, way: &mut Path, most: usize, paths: &mut Vec<Path>) {
        if paths.len() >= most || child == 0 {
            return;
        }
        let Some((level, children)) = self.nodes.get(child, 2) else {
            paths.push(way.clone());
            return;
        };
        let Some((variable, _)) = self.diagram.variables.get(*level) else { return };
        let mut seen: Vec<Child> = Vec::new();
        for next in children {
            if seen.contains(next) {
                continue;
            }
            seen.push(*next);
            let values = (0_u16..).zip(children).filter(|(_, child)| *child == next).map(|(value, _)| value);
            way.push((*variable, values.collect()));
            self.follow(*next, way, most, paths);
            way.pop();
        }
    }
}
