//! How a step's room is shared between prompts that are being computed. Pure.

/// Shares `room` tokens between prompts of which so many tokens are `left`, oldest first. Half goes to the oldest, so that
/// no prompt waits for ever; the rest to the shortest first, so that a short question need not wait for a long document.
pub(crate) fn share(left: &[usize], room: usize) -> Vec<usize> {
    let mut shares = vec![0; left.len()];
    let mut room = room;
    let mut by_length: Vec<(usize, usize)> = left.iter().copied().enumerate().collect();
    by_length.sort_by_key(|&(_, left)| left);
    let oldest = left.first().map(|&left| (0, left.min(room.div_ceil(2))));
    for (index, most) in oldest.into_iter().chain(by_length) {
        if let (Some(share), Some(&left)) = (shares.get_mut(index), left.get(index)) {
            let more = most.min(left.saturating_sub(*share)).min(room);
            *share += more;
            room -= more;
        }
    }
    shares
}

#[cfg(test)]
mod tests;
