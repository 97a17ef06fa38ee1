//! A process's mailbox: messages in the order of their arrival, and how far a `receive` has looked.
//!
//! The messages are terms on the process's own heap (or its fragments) from the moment they arrive, so
//! the mailbox is a queue of words, and a root of the collector. Those that come while the process keeps its messages *off the
//! heap* stay in a parcel each until they are received, or the collector runs while a `receive` looks at one: a parcel is no
//! business of the collector's. `receive` walks the mailbox with the *save pointer*:
//! [`Mailbox::peek`], then [`Mailbox::advance`] past what no clause matched, or
//! [`Mailbox::remove_current`].
//!
//! A *receive marker* remembers where the queue ended when a reference was about to be made:
//! no earlier message can contain that reference, so a `receive` that matches on it may begin there.
//!
//! Invariant: `save <= messages.len()`, and so is every marker's position; removing a message moves
//! whatever points behind it.

use super::reference::RefNumber;
use crate::memory::NoMemory;
use crate::memory::heap::Parcel;
use crate::term::Term;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Most receive markers a process keeps; the oldest gives way.
const MAX_MARKERS: usize = 8;

/// An empty queue with more room than this gives its memory back.
const KEPT_CAPACITY: usize = 64;

struct Marker {
    number: u32,
    reference: Option<RefNumber>,
    position: usize,
}

/// Tokens of sequential traces beside the messages.
struct Tokens {
    /// A tuple or `[]` for each message.
    beside: VecDeque<Term>,
    /// That of the message that was taken out last.
    taken: Term,
}

/// The memory of messages off the heap.
struct Apart {
    /// How many messages stand before those that `parcels` is about: none of them is off the heap. They may be many.
    before: usize,
    /// That of each message from there on, if it has one of its own. May be shorter than the queue.
    parcels: VecDeque<Option<Parcel>>,
    /// How many there are.
    count: usize,
    /// Most fragments that one of them has had.
    most_fragments: usize,
}

impl Apart {
    /// Whether the message at `at` is off the heap.
    fn has(&self, at: usize) -> bool {
        let place = at.checked_sub(self.before);
        matches!(
            place.map(|place| self.parcels.get(place)),
            Some(Some(Some(_)))
        )
    }
}

impl Apart {
    /// See [`Mailbox::send_out`].
    fn send_out(
        &mut self,
        messages: &mut VecDeque<Term>,
        copy: &mut dyn FnMut(Term) -> Result<(Term, Parcel), NoMemory>,
    ) -> Result<(), NoMemory> {
        let missing = messages.len().saturating_sub(self.parcels.len());
        self.parcels.try_reserve(missing).map_err(|_| NoMemory)?;
        for _ in 0..core::mem::take(&mut self.before) {
            self.parcels.push_front(None);
        }
        self.parcels.resize_with(messages.len(), || None);
        for (message, place) in messages.iter_mut().zip(&mut self.parcels) {
            if place.is_none() && !message.is_immediate() {
                let (copied, parcel) = copy(*message)?;
                *message = copied;
                // What is a literal needs no memory.
                if !parcel.is_empty() {
                    self.most_fragments = self.most_fragments.max(parcel.fragments());
                    self.count += 1;
                    *place = Some(parcel);
                }
            }
        }
        Ok(())
    }
}

/// A mailbox.
pub struct Mailbox {
    messages: VecDeque<Term>,
    /// There while a message is off the heap.
    apart: Option<Box<Apart>>,
    /// There while a message has a token.
    tokens: Option<Box<Tokens>>,
    save: usize,
    markers: Vec<Marker>,
    next_marker: u32,
}

impl Mailbox {
    /// No message.
    pub const fn new() -> Mailbox {
        Mailbox {
            messages: VecDeque::new(),
            apart: None,
            tokens: None,
            save: 0,
            markers: Vec::new(),
            next_marker: 0,
        }
    }

    /// Puts `message`, a term of the process's own memory, behind all others.
    #[inline]
    pub fn push(&mut self, message: Term) -> Result<(), NoMemory> {
        self.reserve()?;
        if let Some(tokens) = &mut self.tokens {
            tokens.beside.try_reserve(1).map_err(|_| NoMemory)?;
            tokens.beside.push_back(Term::NIL);
        }
        self.messages.push_back(message);
        Ok(())
    }

    /// Puts `message`, a term in the memory of `parcel`, behind all others.
    pub fn push_apart(&mut self, message: Term, parcel: Parcel) -> Result<(), NoMemory> {
        let at = self.messages.len();
        let apart = match &mut self.apart {
            Some(apart) => apart,
            empty => {
                let apart = Apart {
                    before: at,
                    parcels: VecDeque::new(),
                    count: 0,
                    most_fragments: 0,
                };
                empty.insert(super::try_box(apart)?)
            }
        };
        let place = at - apart.before;
        let missing = (place + 1).saturating_sub(apart.parcels.len());
        apart.parcels.try_reserve(missing).map_err(|_| NoMemory)?;
        self.push(message)?;
        if let Some(apart) = &mut self.apart {
            apart.parcels.resize_with(place, || None);
            apart.most_fragments = apart.most_fragments.max(parcel.fragments());
            apart.parcels.push_back(Some(parcel));
            apart.count += 1;
        }
        Ok(())
    }

    /// Whether a message is off the heap.
    #[inline(always)]
    pub fn has_apart(&self) -> bool {
        self.apart.is_some()
    }

    /// No message off the heap has more fragments than this.
    pub fn most_fragments(&self) -> usize {
        self.apart.as_ref().map_or(0, |apart| apart.most_fragments)
    }

    /// The memory of the message at the save pointer, if that is off the heap: its new owner is the process's heap.
    #[cold]
    pub fn bring_in_current(&mut self) -> Option<Parcel> {
        self.bring_in(self.save)
    }

    /// The memory of any message that is off the heap, as [`Mailbox::bring_in_current`]; called until there is none.
    #[cold]
    pub fn bring_in_any(&mut self) -> Option<Parcel> {
        let apart = self.apart.as_ref()?;
        let place = apart.parcels.iter().rposition(Option::is_some)?;
        self.bring_in(apart.before + place)
    }

    /// Each message that is not off the heap and that `copy` gives a copy of, in memory of its own, becomes that copy. Without memory the rest stays.
    #[cold]
    pub fn send_out(
        &mut self,
        mut copy: impl FnMut(Term) -> Result<(Term, Parcel), NoMemory>,
    ) -> Result<(), NoMemory> {
        let mut apart = match self.apart.take() {
            Some(apart) => apart,
            None => super::try_box(Apart {
                before: 0,
                parcels: VecDeque::new(),
                count: 0,
                most_fragments: 0,
            })?,
        };
        let sent = apart.send_out(&mut self.messages, &mut copy);
        if apart.count > 0 {
            self.apart = Some(apart);
        }
        sent
    }

    fn bring_in(&mut self, at: usize) -> Option<Parcel> {
        let apart = self.apart.as_mut()?;
        let place = at.checked_sub(apart.before)?;
        let parcel = apart.parcels.get_mut(place)?.take()?;
        apart.count -= 1;
        if apart.count == 0 {
            self.apart = None;
        }
        Some(parcel)
    }

    /// The memory of the messages that are off the heap.
    pub fn parcels(&self) -> impl Iterator<Item = &Parcel> {
        let apart = self.apart.iter();
        apart.flat_map(|apart| apart.parcels.iter().flatten())
    }

    /// Makes sure that the next [`Mailbox::push`] has memory.
    #[inline]
    pub fn reserve(&mut self) -> Result<(), NoMemory> {
        self.messages.try_reserve(1).map_err(|_| NoMemory)
    }

    /// The message that came last.
    pub fn last(&self) -> Option<Term> {
        self.messages.back().copied()
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The message at the save pointer.
    #[inline(always)]
    pub fn peek(&self) -> Option<Term> {
        self.messages.get(self.save).copied()
    }

    /// Moves the save pointer past the message it points to.
    #[inline(always)]
    pub fn advance(&mut self) {
        if self.save < self.messages.len() {
            self.save += 1;
        }
    }

    /// Moves the save pointer to the first message: a `receive` has ended.
    #[inline(always)]
    pub fn reset(&mut self) {
        self.save = 0;
    }

    /// Takes out the message at the save pointer, and resets the pointer.
    #[inline]
    pub fn remove_current(&mut self) -> Option<Term> {
        let at = core::mem::take(&mut self.save);
        self.remove(at)
    }

    /// Takes out the first message that `matches`.
    pub fn remove_first(&mut self, mut matches: impl FnMut(Term) -> bool) -> Option<Term> {
        let at = self.messages.iter().position(|message| matches(*message))?;
        if at < self.save {
            self.save -= 1;
        }
        self.remove(at)
    }

    #[inline]
    fn remove(&mut self, at: usize) -> Option<Term> {
        let message = if at == 0 {
            self.messages.pop_front()
        } else {
            self.messages.remove(at)
        };
        if self.tokens.is_some() {
            self.remove_token(at);
        }
        if self.apart.is_some() {
            self.remove_parcel(at);
        }
        for marker in &mut self.markers {
            if marker.position > at {
                marker.position -= 1;
            }
        }
        if self.messages.is_empty() && self.messages.capacity() > KEPT_CAPACITY {
            self.messages = VecDeque::new();
        }
        message
    }

    #[cold]
    fn remove_token(&mut self, at: usize) {
        if let Some(tokens) = &mut self.tokens {
            tokens.taken = tokens.beside.remove(at).unwrap_or(Term::NIL);
        }
    }

    /// What is left of a message's memory when it is removed goes: who wants the message has brought it in.
    #[cold]
    fn remove_parcel(&mut self, at: usize) {
        drop(self.bring_in(at));
        if let Some(apart) = &mut self.apart {
            match at.checked_sub(apart.before) {
                Some(place) => drop(apart.parcels.remove(place)),
                None => apart.before -= 1,
            }
        }
    }

    /// Lays a token, a term of the process's own memory, beside the message that came last.
    pub fn mark_last(&mut self, token: Term) -> Result<(), NoMemory> {
        let messages = self.messages.len();
        let tokens = match &mut self.tokens {
            Some(tokens) => tokens,
            empty => {
                let (beside, taken) = (VecDeque::new(), Term::NIL);
                empty.insert(super::try_box(Tokens { beside, taken })?)
            }
        };
        let missing = messages.saturating_sub(tokens.beside.len());
        let reserved = tokens.beside.try_reserve(missing);
        reserved.map_err(|_| NoMemory)?;
        tokens.beside.resize(messages, Term::NIL);
        if let Some(last) = tokens.beside.back_mut() {
            *last = token;
        }
        Ok(())
    }

    /// The token of the message that was taken out last; `[]` if it had none.
    pub fn take_token(&mut self) -> Term {
        let Some(tokens) = &mut self.tokens else {
            return Term::NIL;
        };
        let taken = core::mem::replace(&mut tokens.taken, Term::NIL);
        if tokens.beside.is_empty() {
            self.tokens = None;
        }
        taken
    }

    /// No message has a token any more.
    pub fn drop_tokens(&mut self) {
        self.tokens = None;
    }

    /// All messages, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Term> {
        self.messages.iter().copied()
    }

    /// All messages that are not off the heap, for the collector.
    pub fn roots(&mut self) -> impl Iterator<Item = &mut Term> {
        let tokens = self.tokens.iter_mut();
        let tokens = tokens.flat_map(|t| {
            t.beside
                .iter_mut()
                .chain(Some(&mut t.taken).filter(|taken| !taken.is_nil()))
        });
        let apart = self.apart.as_deref();
        let messages = self.messages.iter_mut().enumerate();
        let at_home = messages.filter(move |(at, _)| apart.is_none_or(|apart| !apart.has(*at)));
        at_home.map(|(_, message)| message).chain(tokens)
    }

    /// Bytes that the queue itself takes up.
    pub fn memory(&self) -> usize {
        let apart: usize = self.parcels().map(Parcel::memory).sum();
        apart
            + self.messages.capacity() * size_of::<Term>()
            + self.markers.capacity() * size_of::<Marker>()
    }

    /// Marks the end of the queue and returns the marker's number (`recv_marker_reserve`); `None` if there is no
    /// memory, which makes the `receive` slower and nothing else.
    pub fn reserve_marker(&mut self) -> Option<u32> {
        if self.markers.len() == MAX_MARKERS {
            self.markers.remove(0);
        }
        self.markers.try_reserve(1).ok()?;
        let number = self.next_marker;
        self.next_marker = number.wrapping_add(1);
        self.markers.push(Marker {
            number,
            reference: None,
            position: self.messages.len(),
        });
        Some(number)
    }

    /// Ties the marker `number`, if it still exists, to a reference made since (`recv_marker_bind`).
    pub fn bind_marker(&mut self, number: u32, reference: RefNumber) {
        let marker = self.markers.iter_mut().find(|m| m.number == number);
        if let Some(marker) = marker {
            marker.reference = Some(reference);
        }
    }

    /// Forgets the marker of `reference` (`recv_marker_clear`).
    pub fn clear_marker(&mut self, reference: RefNumber) {
        self.markers.retain(|m| m.reference != Some(reference));
    }

    /// Moves the save pointer to the marker of `reference`, if there is one (`recv_marker_use`).
    pub fn use_marker(&mut self, reference: RefNumber) {
        let marker = self.markers.iter().find(|m| m.reference == Some(reference));
        if let Some(marker) = marker {
            self.save = marker.position;
        }
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Mailbox::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::References;
    use super::*;
    use crate::memory::Arena;

    fn filled(count: i64) -> Mailbox {
        let mut mailbox = Mailbox::new();
        for i in 0..count {
            mailbox.push(Term::small(i)).unwrap();
        }
        mailbox
    }

    #[test]
    fn a_selective_receive_takes_from_the_middle_and_starts_again() {
        let mut mailbox = filled(3);
        mailbox.advance();
        assert_eq!(mailbox.peek(), Some(Term::small(1)));
        assert_eq!(mailbox.remove_current(), Some(Term::small(1)));
        assert_eq!(mailbox.peek(), Some(Term::small(0)));
        mailbox.advance();
        assert_eq!(mailbox.peek(), Some(Term::small(2)));
        mailbox.advance();
        assert_eq!(mailbox.peek(), None);
        mailbox.advance();
        mailbox.push(Term::small(9)).unwrap();
        assert_eq!(mailbox.peek(), Some(Term::small(9)));
        mailbox.reset();
        assert_eq!(mailbox.remove_current(), Some(Term::small(0)));
        assert_eq!(mailbox.len(), 2);
    }

    #[test]
    fn a_marker_skips_what_came_before_it_and_survives_removals() {
        let mut references = References::new(1);
        let (reference, other) = (references.make(), references.make());
        let mut mailbox = filled(5);
        let marker = mailbox.reserve_marker().unwrap();
        mailbox.bind_marker(marker, reference);
        mailbox.push(Term::small(100)).unwrap();
        mailbox.use_marker(other);
        assert_eq!(mailbox.peek(), Some(Term::small(0)));
        mailbox.use_marker(reference);
        assert_eq!(mailbox.peek(), Some(Term::small(100)));
        mailbox.reset();
        mailbox.advance();
        mailbox.remove_current();
        mailbox.use_marker(reference);
        assert_eq!(mailbox.remove_current(), Some(Term::small(100)));
        mailbox.use_marker(reference);
        assert_eq!(mailbox.peek(), None);
        mailbox.clear_marker(reference);
        mailbox.reset();
        mailbox.use_marker(reference);
        assert_eq!(mailbox.peek(), Some(Term::small(0)));
    }

    #[test]
    fn the_oldest_marker_gives_way() {
        let mut references = References::new(1);
        let mut mailbox = filled(1);
        let first = mailbox.reserve_marker().unwrap();
        let reference = references.make();
        mailbox.bind_marker(first, reference);
        for _ in 0..MAX_MARKERS {
            mailbox.reserve_marker().unwrap();
        }
        mailbox.use_marker(reference);
        assert_eq!(mailbox.peek(), Some(Term::small(0)));
        assert_eq!(mailbox.markers.len(), MAX_MARKERS);
    }

    #[test]
    fn removal_before_the_save_pointer_keeps_its_message() {
        let mut mailbox = filled(4);
        mailbox.advance();
        mailbox.advance();
        let removed = mailbox.remove_first(|m| m == Term::small(0));
        assert_eq!(removed, Some(Term::small(0)));
        assert_eq!(mailbox.peek(), Some(Term::small(2)));
        assert_eq!(mailbox.remove_first(|m| m == Term::small(7)), None);
    }

    #[test]
    fn tokens_stay_beside_their_messages() {
        let mut mailbox = filled(2);
        let token = Term::small(77);
        mailbox.mark_last(token).unwrap();
        mailbox.push(Term::small(2)).unwrap();
        assert_eq!(mailbox.roots().filter(|root| **root == token).count(), 1);
        mailbox.advance();
        assert_eq!(mailbox.remove_current(), Some(Term::small(1)));
        assert_eq!(mailbox.take_token(), token);
        assert_eq!(mailbox.remove_current(), Some(Term::small(0)));
        assert_eq!(mailbox.take_token(), Term::NIL);
        assert_eq!(mailbox.remove_current(), Some(Term::small(2)));
        assert_eq!(mailbox.take_token(), Term::NIL);
        assert!(mailbox.tokens.is_none());
    }

    #[test]
    fn messages_off_the_heap_are_no_roots_until_they_are_brought_in() {
        let mut mailbox = filled(2);
        for i in 2..5 {
            mailbox.push_apart(Term::small(i), Parcel::new()).unwrap();
        }
        mailbox.push(Term::small(5)).unwrap();
        assert_eq!((mailbox.len(), mailbox.roots().count()), (6, 3));
        mailbox.advance();
        assert!(mailbox.bring_in_current().is_none());
        mailbox.advance();
        assert!(mailbox.bring_in_current().is_some());
        assert_eq!(mailbox.roots().count(), 4);
        assert_eq!(mailbox.remove_current(), Some(Term::small(2)));
        assert_eq!(mailbox.roots().count(), 3);
        // The memory of one that nobody wanted goes with it.
        assert!(mailbox.remove_first(|m| m == Term::small(3)).is_some());
        assert_eq!((mailbox.len(), mailbox.roots().count()), (4, 3));
        assert!(mailbox.bring_in_any().is_some());
        assert!(!mailbox.has_apart());
        assert_eq!(mailbox.roots().count(), 4);
    }

    #[test]
    fn messages_that_wait_are_sent_off_the_heap() {
        let mut heap = Parcel::new();
        let mut mailbox = filled(2);
        for i in 2..5 {
            let message = heap.tuple(&[Term::small(i)]).unwrap();
            mailbox.push(message).unwrap();
        }
        assert_eq!(
            mailbox.remove_first(|m| m == Term::small(0)),
            Some(Term::small(0))
        );
        let sent = mailbox.send_out(|message| {
            let mut parcel = Parcel::new();
            let element = message.as_tuple().unwrap()[0];
            Ok((parcel.tuple(&[element])?, parcel))
        });
        assert!(sent.is_ok());
        assert_eq!((mailbox.len(), mailbox.roots().count()), (4, 1));
        drop(heap);
        let elements: Vec<_> = mailbox
            .iter()
            .filter_map(|m| m.as_tuple().map(|t| t[0]))
            .collect();
        assert_eq!(elements, [2, 3, 4].map(Term::small));
        // Without memory what was not copied yet stays where it is.
        assert!(mailbox.send_out(|_| Err(NoMemory)).is_ok());
    }

    #[test]
    fn messages_off_the_heap_stand_behind_any_number_of_others() {
        let mut mailbox = filled(1_000);
        mailbox
            .push_apart(Term::small(1_000), Parcel::new())
            .unwrap();
        mailbox.push(Term::small(1_001)).unwrap();
        mailbox
            .push_apart(Term::small(1_002), Parcel::new())
            .unwrap();
        assert!(mailbox.apart.as_ref().unwrap().parcels.len() <= 3);
        for i in [0, 500, 999] {
            assert!(mailbox.remove_first(|m| m == Term::small(i)).is_some());
        }
        let off_the_heap = |mailbox: &mut Mailbox| mailbox.len() - mailbox.roots().count();
        assert_eq!(off_the_heap(&mut mailbox), 2);
        assert!(mailbox.remove_first(|m| m == Term::small(1_000)).is_some());
        assert!(mailbox.remove_first(|m| m == Term::small(1_001)).is_some());
        assert_eq!(off_the_heap(&mut mailbox), 1);
        assert!(
            mailbox
                .roots()
                .all(|message| *message != Term::small(1_002))
        );
    }

    #[test]
    fn an_emptied_queue_gives_its_memory_back() {
        let mut mailbox = filled(10_000);
        while mailbox.remove_current().is_some() {}
        assert_eq!(mailbox.messages.capacity(), 0);
    }
}
