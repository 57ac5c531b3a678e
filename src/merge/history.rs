//! Which objects the plans of a folder have as members, known after about log2 n reads of n plans.
//!
//! Plan n repeats the identities of the 2^k plans that end with it, where 2^k is the largest power of two that divides
//! n + 1. The plans of a folder therefore form blocks like the digits of a binary counter: six plans are a block of four, which
//! plan 3 repeats, and a block of two, which plan 5 repeats.

use crate::object::Identity;

/// The members of every plan of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Blocks of plans, each half as long as the one before it or shorter.
    blocks: Vec<Block>,
}

/// The members of consecutive plans.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Block {
    /// The number of plans, a power of two.
    plans: u32,
    /// Their members, in order.
    members: Vec<Identity>,
}

/// Returns the numbers of the plans that repeat the members of the first `plans` plans, in the order in which
/// [`History::add`] takes them.
pub(super) fn repeating(plans: u32) -> Vec<u32> {
    let mut numbers = Vec::new();
    let mut end = 0;
    for digit in (0..u32::BITS).rev().map(|digit| 1 << digit) {
        if plans & digit != 0 {
            end += digit;
            numbers.push(end - 1);
        }
    }
    numbers
}

/// Returns the number of plans whose members plan `number` repeats, itself included.
const fn length(number: u32) -> u32 {
    1 << (number + 1).trailing_zeros()
}

impl History {
    /// Returns the number of plans, which is the number of the next one.
    pub fn plans(&self) -> u32 {
        self.blocks.iter().map(|block| block.plans).sum()
    }

    /// Returns whether an object is a member of a plan.
    pub fn contains(&self, identity: &Identity) -> bool {
        self.blocks
            .iter()
            .any(|block| block.members.binary_search(identity).is_ok())
    }

    /// Returns the members of earlier plans that the next plan has to repeat.
    pub fn to_repeat(&self) -> Vec<Identity> {
        let mut members: Vec<_> = self.repeated().flat_map(|block| &block.members).copied().collect();
        members.sort_unstable();
        members
    }

    /// Adds plan `number`, given its own members and those that it repeats. Returns whether it continues the history: it is
    /// the next plan, or the last plan of blocks that are not known yet.
    pub fn add(&mut self, number: u32, own: impl Iterator<Item = Identity>, repeated: &[Identity]) -> bool {
        let length = length(number);
        while self.plans() + length > number + 1 && self.blocks.last().is_some_and(|block| block.plans < length) {
            self.blocks.pop();
        }
        let continues = self.plans() + length == number + 1;
        let mut members: Vec<_> = own.chain(repeated.iter().copied()).collect();
        members.sort_unstable();
        self.blocks.push(Block { plans: length, members });
        continues
    }

    /// Returns the blocks that the next plan repeats.
    fn repeated(&self) -> impl Iterator<Item = &Block> {
        let length = length(self.plans());
        self.blocks.iter().skip_while(move |block| block.plans >= length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(number: u32) -> Identity {
        let mut identity = Identity::default();
        // Not in the order of the numbers.
        identity.0[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_le_bytes());
        identity
    }

    #[test]
    fn any_number_of_plans_is_known_after_few_reads() {
        let mut written = History::default();
        let mut plans = Vec::new();
        for number in 0..70 {
            // What a reader of the plans so far knows.
            let mut read = History::default();
            let wanted = repeating(number);
            assert!(wanted.len() <= 7);
            for wanted in wanted {
                let (own, repeated): &(Vec<_>, Vec<_>) = &plans[usize::try_from(wanted).unwrap()];
                assert!(read.add(wanted, own.iter().copied(), repeated), "{number} {wanted}");
            }
            assert_eq!(read, written, "{number} plans");
            assert_eq!(read.plans(), number);
            for known in 0..2 * number {
                assert!(read.contains(&identity(known)), "{number} {known}");
            }
            assert!(!read.contains(&identity(2 * number)));
            let own = vec![identity(2 * number), identity(2 * number + 1)];
            let repeated = written.to_repeat();
            assert!(written.add(number, own.iter().copied(), &repeated));
            plans.push((own, repeated));
        }
        assert!(!History::default().add(1, std::iter::empty(), &[]) || plans.len() == 70);
        let mut gap = History::default();
        assert!(!gap.add(2, std::iter::empty(), &[]), "plans 0 and 1 are missing");
    }
}
