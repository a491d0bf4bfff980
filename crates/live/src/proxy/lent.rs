//! One direction of a function's connection, lent to who moves a body over it.

use tokio::sync::oneshot;

/// Something lent out. It goes back when this is dropped, whatever happens.
#[derive(Debug)]
pub(crate) struct Lent<T> {
    it: Option<T>,
    n_left: u64,
    is_broken: bool,
    back: Option<oneshot::Sender<Returned<T>>>,
}

/// Something that was lent out, and came back.
#[derive(Debug)]
pub(crate) struct Returned<T> {
    pub(crate) it: T,
    /// How many bytes of the body, its trailer included, were not moved.
    pub(crate) n_left: u64,
    /// Whether it failed, or was given up within a body.
    pub(crate) is_broken: bool,
}

impl<T> Lent<T> {
    /// Lends something out for so many bytes, and what it comes back by.
    pub(crate) fn new(it: T, n_left: u64) -> (Lent<T>, oneshot::Receiver<Returned<T>>) {
        let (back, returned) = oneshot::channel();
        (Lent { it: Some(it), n_left, is_broken: false, back: Some(back) }, returned)
    }

    /// To move bytes over it. Until [`Lent::moved`] says how that ended, it counts as broken: so
    /// it does where its user is dropped on the way.
    pub(crate) fn start(&mut self) -> &mut T {
        self.is_broken = true;
        self.it.as_mut().expect("it goes back only at the end")
    }

    /// The moving ended in order, with so many bytes not moved.
    pub(crate) fn moved(&mut self, n_left: u64) {
        self.is_broken = false;
        self.n_left = n_left;
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        if let (Some(it), Some(back)) = (self.it.take(), self.back.take()) {
            // Where the owner is gone, so is what was lent.
            let _ = back.send(Returned { it, n_left: self.n_left, is_broken: self.is_broken });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(use_it: impl FnOnce(Lent<&str>), n_left: u64, is_broken: bool) {
        let (lent, mut returned) = Lent::new("reader", 10);
        use_it(lent);
        let returned = returned.try_recv().unwrap();
        assert_eq!((returned.n_left, returned.is_broken), (n_left, is_broken));
    }

    #[test]
    fn what_is_lent_comes_back_with_what_is_left_to_do() {
        check(|it| drop(it), 10, false);
        check(
            |mut it| {
                it.start();
                it.moved(4);
            },
            4,
            false,
        );
        check(|mut it| assert_eq!(*it.start(), "reader"), 10, true);
    }
}
