//! Which tensors become which matrices, and packing them. It must not know networks.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::LoadError;
use crate::apart::BLOCK_FLOATS;
use crate::buffer::{Buffer, Disjoint};
use crate::checkpoint::Checkpoint;
use crate::gguf::{Tensor, TensorKind};
use crate::memory::ensure_available;
use crate::packed::{
    Matrix, Place, STRIP_ALIGNMENT, TILE_ROWS, pack_strip, scales_are_finite, step_bytes, strip_bytes,
};
use crate::pool::Pool;

/// A tensor that becomes rows of a matrix.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) rows: usize,
    pub(super) order: RowOrder,
    /// Where the tensor holds as many matrices as there are experts: which of how many.
    pub(super) expert: Option<(usize, usize)>,
}

impl Part {
    pub(super) fn whole(name: impl Into<String>, rows: usize) -> Self {
        Self { name: name.into(), rows, order: RowOrder::AsStored, expert: None }
    }

    /// Its tensor, found and of the sizes that it must have.
    fn find<'a>(&self, checkpoint: &'a dyn Checkpoint, columns: usize) -> Result<Tensor<'a>, LoadError> {
        let tensor = match self.expert {
            None => checkpoint.tensor(&self.name)?,
            Some((expert, experts)) => checkpoint.expert_tensor(&self.name, expert, experts)?,
        };
        expect_dims(&tensor, &[columns, self.rows])?;
        Ok(tensor)
    }
}

/// Which of a tensor's rows stands where.
#[derive(Clone, Copy)]
pub(super) enum RowOrder {
    AsStored,
    /// Of each head first the even rows, then the odd ones: neighbours that turn together come to stand half a head
    /// apart. Queries and keys are reordered alike, so their products stay the same.
    EvenThenOdd {
        head_dim: usize,
    },
}

impl RowOrder {
    pub(super) fn source(self, row: usize) -> usize {
        match self {
            Self::AsStored => row,
            Self::EvenThenOdd { head_dim } => {
                let (within, half) = (row % head_dim, head_dim / 2);
                row - within + if within < half { 2 * within } else { 2 * (within - half) + 1 }
            }
        }
    }
}

/// A matrix to pack. There may be tens of thousands, of millions of strips: what is noted is noted a matrix.
struct Source<'a> {
    tensor: Tensor<'a>,
    /// What its strips are packed as.
    kind: TensorKind,
    order: RowOrder,
    rows: usize,
    /// Of one strip when packed.
    strip_bytes: usize,
    /// Where its first strip lies.
    offset: usize,
    /// From one of its strips to the next.
    step_bytes: usize,
    /// Strips of all matrices before it.
    first_strip: usize,
}

/// What is to be packed, and where to.
pub(super) struct Packing<'a> {
    checkpoint: &'a dyn Checkpoint,
    bytes: usize,
    strips: usize,
    sources: Vec<Source<'a>>,
}

impl<'a> Packing<'a> {
    pub(super) fn new(checkpoint: &'a dyn Checkpoint) -> Self {
        Self { checkpoint, bytes: 0, strips: 0, sources: Vec::new() }
    }

    /// Bytes of all that is planned so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A matrix made of tensors below each other. All but the last have a multiple of 16 rows.
    pub(super) fn matrix(&mut self, columns: usize, parts: &[Part]) -> Result<Matrix, LoadError> {
        let mut matrix = Matrix { columns, ..Matrix::default() };
        for part in parts {
            let source = self.source(columns, part)?;
            matrix.strips.extend(self.add(source));
            matrix.rows += part.rows;
        }
        Ok(matrix)
    }

    /// A matrix of 16 rows of the one tensor and 16 of the other in turns, both of as many rows. It lies in memory as it is
    /// read, from its beginning to its end.
    pub(super) fn matrix_in_turns(&mut self, columns: usize, parts: &[Part; 2]) -> Result<Matrix, LoadError> {
        // The strips of a longer one would lie on what is planned next.
        assert_eq!(parts[0].rows, parts[1].rows, "both have as many rows");
        let rows = parts[0].rows + parts[1].rows;
        let [first, second] = [self.source(columns, &parts[0])?, self.source(columns, &parts[1])?];
        let step_bytes = first.step_bytes + second.step_bytes;
        let second = Source { offset: first.offset + first.step_bytes, ..second };
        let [first, second] = [first, second].map(|source| self.add(Source { step_bytes, ..source }));
        Ok(Matrix { columns, rows, strips: first.zip(second).flat_map(<[Place; 2]>::from).collect() })
    }

    /// What a part is packed from, to lie behind all that is planned so far.
    fn source(&self, columns: usize, part: &Part) -> Result<Source<'a>, LoadError> {
        let tensor = part.find(self.checkpoint, columns)?;
        let kind = self.checkpoint.packed_kind(&tensor);
        let (strip_bytes, step_bytes) = (strip_bytes(kind, columns), step_bytes(kind, columns));
        let (rows, order) = (part.rows, part.order);
        let (offset, first_strip) = (self.bytes, self.strips);
        Ok(Source { tensor, kind, order, rows, strip_bytes, offset, step_bytes, first_strip })
    }

    /// Takes it into the plan; where its strips lie.
    fn add(&mut self, mut source: Source<'a>) -> impl Iterator<Item = Place> + use<'a> {
        let strips = source.rows.div_ceil(TILE_ROWS);
        let Source { kind, offset, step_bytes, strip_bytes, .. } = source;
        source.first_strip = self.strips;
        self.sources.push(source);
        self.bytes += strips * strip_bytes.next_multiple_of(STRIP_ALIGNMENT);
        self.strips += strips;
        (0..strips).map(move |strip| Place { kind, offset: offset + strip * step_bytes })
    }

    /// Packs everything, on all threads.
    pub(super) fn pack(&self, pool: &mut Pool) -> Result<Buffer<u8>, LoadError> {
        /// Strips taken at once.
        const GRAIN: usize = 16;
        ensure_available(self.bytes, "the model's weights")?;
        let refused = |error| LoadError::Machine(format!("no memory for the model's weights: {error}"));
        let mut memory = Buffer::zeroed(self.bytes).map_err(refused)?;
        let to = Disjoint::new(memory.values_mut());
        let unsound = AtomicUsize::new(usize::MAX);
        let packed = pool.share(self.strips, GRAIN, &|strips| {
            for strip in strips {
                let after = self.sources.partition_point(|source| source.first_strip <= strip);
                let source = &self.sources[after - 1];
                let strip = strip - source.first_strip;
                let offset = source.offset + strip * source.step_bytes;
                // SAFETY: no two strips share a byte (those of a source lie a step apart, and what lies between
                // them is another source's), and each is packed once.
                if !source.pack(strip, unsafe { to.part(offset..offset + source.strip_bytes) }) {
                    unsound.fetch_min(after - 1, Ordering::Relaxed);
                }
            }
        });
        packed.map_err(|panicked| LoadError::Machine(format!("the weights could not be packed: {panicked}")))?;
        if let Some(source) = self.sources.get(unsound.into_inner()) {
            let problem = "holds a weight that is no finite number, or too great for 8 bits; fetch the file again";
            return Err(LoadError::tensor(source.tensor.name, problem));
        }
        Ok(memory)
    }
}

impl Source<'_> {
    /// Packs 16 rows; false where floats could not be rounded.
    fn pack(&self, strip: usize, to: &mut [u8]) -> bool {
        let first = strip * TILE_ROWS;
        let count = TILE_ROWS.min(self.rows - first);
        let mut rows = [&[][..]; TILE_ROWS];
        let mut made = Vec::new();
        if let Some(apart) = &self.tensor.apart {
            let row_blocks = self.tensor.dims[0] as usize / BLOCK_FLOATS;
            for row in first..first + count {
                apart.write_row(self.tensor.bytes, self.order.source(row), row_blocks, &mut made);
            }
            rows.iter_mut().zip(made.chunks_exact(made.len() / count)).for_each(|(to, row)| *to = row);
        } else {
            let row_bytes = self.tensor.bytes.len() / self.rows;
            for (to, row) in rows.iter_mut().zip(first..first + count) {
                *to = &self.tensor.bytes[self.order.source(row) * row_bytes..][..row_bytes];
            }
        }
        pack_strip(self.kind, self.tensor.kind, &rows[..count], to);
        // What a file says in 8 bits is taken as it is.
        let taken_as_it_is = self.kind == self.tensor.kind && self.kind != TensorKind::Mxfp4;
        taken_as_it_is || scales_are_finite(self.kind, to)
    }
}

/// An error where a tensor has other sizes than these.
pub(super) fn expect_dims(tensor: &Tensor<'_>, expected: &[usize]) -> Result<(), LoadError> {
    if tensor.dims.iter().copied().eq(expected.iter().map(|length| *length as u64)) {
        return Ok(());
    }
    let problem = format!("has the sizes {:?}, but the metadata ask for {expected:?}", tensor.dims);
    Err(LoadError::tensor(tensor.name, problem))
}
