//! A short list without an allocation of its own: a listing has hundreds of names, each with some.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// At most `N` items in place, at most 255. It is read as the slice that it is.
#[derive(Clone, Copy)]
pub struct Few<T, const N: usize> {
    items: [T; N],
    count: u8,
}

impl<T: Copy + Default, const N: usize> Few<T, N> {
    /// No items.
    pub fn new() -> Self {
        const { assert!(N <= u8::MAX as usize) };
        Self { items: [T::default(); N], count: 0 }
    }

    /// The first `N` of some items.
    pub fn first_of(items: &[T]) -> Self {
        let mut few = Self::new();
        few.count = items.len().min(N) as u8; // at most 255
        few.items.iter_mut().zip(items).for_each(|(place, item)| *place = *item);
        few
    }

    /// Adds an item; `None` when there is no room.
    #[inline]
    pub(crate) fn push(&mut self, item: T) -> Option<()> {
        *self.items.get_mut(usize::from(self.count))? = item;
        self.count += 1;
        Some(())
    }
}

impl<T: Copy + Default, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items[..usize::from(self.count)]
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for Few<T, N> {}

impl<T: PartialOrd, const N: usize> PartialOrd for Few<T, N> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (**self).partial_cmp(&**other)
    }
}

impl<T: Ord, const N: usize> Ord for Few<T, N> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (**self).cmp(&**other)
    }
}

impl<T: Hash, const N: usize> Hash for Few<T, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Few<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_slice_that_it_was_made_of() {
        let few: Few<u8, 3> = Few::first_of(&[1, 2]);
        assert_eq!((&few[..], few.len()), (&[1, 2][..], 2));
        assert_eq!(Few::<u8, 3>::first_of(&[1, 2, 3, 4]).to_vec(), [1, 2, 3]);
        assert!(Few::<u8, 3>::first_of(&[9]) > few && few != Few::new());
    }

    #[test]
    fn grows_as_far_as_there_is_room() {
        let mut few: Few<u8, 3> = Few::first_of(&[1]);
        assert_eq!((few.push(2), few.push(3), few.push(4)), (Some(()), Some(()), None));
        assert_eq!(few.to_vec(), [1, 2, 3]);
    }
}
